//! Numbers that are unique for ever and cannot be guessed.
//!
//! An id is a keyed permutation of a counter (a Feistel network of four rounds with SHA-256 as round function, after Luby and
//! Rackoff): two counters never give the same id, and who does not know the key learns nothing from an id about any other.
//!
//! ```text
//! bit 63      62 … 1                                          0
//!     0       permutation(counter) under the key of the seed   which seed: 0 provisional, 1 from raw_rand
//! ```
//!
//! The key comes from `raw_rand`, which a canister can only get some time after it is installed. What is made before that uses a
//! *provisional* seed (from the canister id and the time of installation: unique, but not secret from who knows both). Bit 0 keeps the
//! two sequences apart for ever.

use candid::{CandidType, Deserialize};

use crate::codec::{Digest, digest};
use crate::error::{Error, Result};

const HALF_BITS: u32 = 31;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
const ROUNDS: u8 = 4;

/// Where unguessable numbers come from.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// Secret bytes.
    #[serde(with = "serde_bytes")]
    bytes: Digest,
    /// Whether they came from `raw_rand`.
    pub random: bool,
}

impl Seed {
    /// A seed that is unique but not secret.
    pub fn provisional(canister: &[u8], now: u64) -> Self {
        Self { bytes: digest(&[b"provisional seed", canister, &now.to_be_bytes()]), random: false }
    }

    /// A secret seed.
    pub fn random(entropy: &[u8]) -> Self {
        Self { bytes: digest(&[b"random seed", entropy]), random: true }
    }

    /// A key for one purpose.
    pub fn key(&self, purpose: &str) -> Digest {
        digest(&[b"key", &self.bytes, purpose.as_bytes()])
    }
}

/// Makes ids of one kind.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct IdSource {
    used: u64,
}

impl IdSource {
    /// The next id; never given before and never again.
    pub fn next(&mut self, kind: &str, seed: &Seed) -> u64 {
        self.used += 1;
        permute(self.used, &seed.key(kind)) << 1 | u64::from(seed.random)
    }
}

fn permute(counter: u64, key: &Digest) -> u64 {
    let (mut left, mut right) = (counter >> HALF_BITS & HALF_MASK, counter & HALF_MASK);
    for round in 0..ROUNDS {
        (left, right) = (right, left ^ round_function(key, round, right));
    }
    left << HALF_BITS | right
}

fn round_function(key: &Digest, round: u8, half: u64) -> u64 {
    let bytes = digest(&[key, &[round], &half.to_be_bytes()]);
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[..8]);
    u64::from_be_bytes(word) & HALF_MASK
}

/// The locator of a blob.
pub fn locator(id: u64) -> String {
    format!("blob_{id}")
}

/// The number in a locator. Only the form that `locator` writes is one.
pub fn blob_number(text: &str) -> Result<u64> {
    let unsupported = || Error::invalid("Unsupported locator format. Expected 'blob_{id}'");
    let digits = text.strip_prefix("blob_").ok_or_else(unsupported)?;
    let number = digits.parse().map_err(|_| Error::invalid("Invalid blob ID in locator"))?;
    if locator(number) == text { Ok(number) } else { Err(Error::invalid("Invalid blob ID in locator")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// No two counters give the same id, also across the change of the seed.
    #[test]
    fn ids_do_not_repeat() {
        let (mut source, mut seen) = (IdSource::default(), BTreeSet::new());
        for seed in [Seed::provisional(b"canister", 1), Seed::random(b"entropy")] {
            for _ in 0..2_000 {
                assert!(seen.insert(source.next("blob", &seed)));
            }
        }
    }

    /// Only what this canister writes as a locator is one.
    #[test]
    fn locators_have_one_form() {
        assert_eq!(blob_number("blob_42"), Ok(42));
        assert_eq!(blob_number("blob_18446744073709551615"), Ok(u64::MAX));
        for text in [
            "",
            "blob_",
            "blob_abc",
            "blob_-1",
            "blob_+5",
            "blob_005",
            "42",
            "icp://blob/blob_1",
            "inline_00",
            "blob_18446744073709551616",
            "blob_ 1",
        ] {
            assert!(matches!(blob_number(text), Err(Error::InvalidArgument(_))), "{text}");
        }
    }
}
