//! Candid, and digests.
//!
//! The settings are kept as Candid, and up to layout 2 all records were: a record carries its own type, so every build can read which layout
//! the settings name, and a later build may add optional fields. All other records: `stored/`.

use std::borrow::Cow;

use candid::CandidType;
use ic_stable_structures::storable::{Bound, Storable};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A record that is stored as Candid.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidRecord<T>(pub T);

/// The Candid of a value.
pub fn to_bytes<T: CandidType>(value: &T) -> Vec<u8> {
    candid::encode_one(value).expect("bug: our own records can be written as Candid")
}

/// The value in Candid; `None` for other bytes.
pub fn from_bytes<T: CandidType + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    candid::decode_one(bytes).ok()
}

impl<T: CandidType + DeserializeOwned> Storable for CandidRecord<T> {
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

/// SHA-256 over parts, each preceded by its length: different parts never give the same input.
pub fn digest(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    text
}
