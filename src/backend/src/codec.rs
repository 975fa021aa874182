//! How records are kept in stable memory: CBOR maps with field names, so that a later build can add fields with defaults.

use std::borrow::Cow;

use ic_stable_structures::storable::{Bound, Storable};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A record in stable memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<T>(pub T);

/// The CBOR of a value.
pub fn to_cbor<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut bytes).expect("bug: our own records can be written as CBOR");
    bytes
}

impl<T: Serialize + DeserializeOwned> Storable for Record<T> {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(to_cbor(&self.0))
    }

    fn into_bytes(self) -> Vec<u8> {
        to_cbor(&self.0)
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        Self(ciborium::from_reader(bytes.as_ref()).expect("bug: a stored record does not have the layout of this build"))
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
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
