//! How records are kept in stable memory.
//!
//! ```text
//! byte 0   layout of the record: 1
//! byte 1…  the fields in the order of their `layout!`, without names or types
//!
//! bool                       one byte, 0 or 1            opt t      0, or 1 and t
//! nat8, nat32, nat64, f32    little-endian, fixed width  vec t      length, then each t
//! text, blob, principal      length, then the bytes      variant    its number (one byte), then its content
//! digest, id                 its bytes                   record     its fields
//! length                     unsigned LEB128
//! ```
//!
//! Up to layout 2 records were Candid, which begins with `DIDL`. Reading and writing a memory as Candid took nine tenths of the
//! instructions of most calls: it carries a table of types that has to be read and compared each time. Such records are still read, and
//! rewritten by housekeeping (`migration.rs`) or by the first call that changes them.
//!
//! A layout may grow: a later build writes 2 into byte 0, and reads a field that layout 1 did not have only if `Reader::layout` says 2.

mod primitives;
mod reader;
mod shapes;
mod wire;

use std::borrow::Cow;

use candid::CandidType;
use ic_stable_structures::storable::{Bound, Storable};
use serde::de::DeserializeOwned;

pub use reader::Reader;
pub(crate) use shapes::{layout, variants};

use crate::codec;

/// The layout that this build writes; Candid begins with another byte.
const LAYOUT: u8 = 1;
/// How Candid begins.
const CANDID: &[u8] = b"DIDL";

/// What can be kept in stable memory.
pub trait Stored: Sized {
    /// Appends the value to bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads the value; `None` for bytes that are none.
    fn take(from: &mut Reader<'_>) -> Option<Self>;
}

/// What can be read in both layouts.
pub trait Kept: Stored + CandidType + DeserializeOwned {}

impl<T: Stored + CandidType + DeserializeOwned> Kept for T {}

/// A record in stable memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<T>(pub T);

/// The value as it is stored.
pub fn to_bytes<T: Stored>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.push(LAYOUT);
    value.put(&mut out);
    out
}

/// The value in stored bytes, of this layout or in Candid; `None` for other bytes.
pub fn from_bytes<T: Kept>(bytes: &[u8]) -> Option<T> {
    if is_candid(bytes) { codec::from_bytes(bytes) } else { from_layout(bytes) }
}

/// Whether stored bytes are of a build up to layout 2.
pub fn is_candid(bytes: &[u8]) -> bool {
    bytes.starts_with(CANDID)
}

fn from_layout<T: Stored>(bytes: &[u8]) -> Option<T> {
    let (&layout, fields) = bytes.split_first()?;
    let mut reader = Reader::new(fields, layout);
    let value = (layout == LAYOUT).then(|| T::take(&mut reader)).flatten()?;
    reader.is_empty().then_some(value)
}

impl<T: Kept> Storable for Record<T> {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(to_bytes(&self.0))
    }

    fn into_bytes(self) -> Vec<u8> {
        to_bytes(&self.0)
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        Self(from_bytes(&bytes).expect("bug: a stored record does not have the layout of this build"))
    }
}

#[cfg(test)]
mod tests;
