//! Keys of the tokens: from randomness, rotated, never from the clock.

use candid::{CandidType, Deserialize};

use crate::codec::Digest;

/// A key is replaced after a day; the one before it still opens tokens, which live for half an hour at most.
const ROTATE_AFTER_NS: u64 = 24 * 3_600_000_000_000;
const KEPT: usize = 2;

/// The newest keys.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

/// One key.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its number, which tokens name.
    pub number: u32,
    /// The key itself.
    #[serde(with = "serde_bytes")]
    pub secret: Digest,
    /// When it was made.
    pub made_at: u64,
}

impl Keys {
    /// The key for new tokens, once there is one.
    pub fn newest(&self) -> Option<&Key> {
        self.0.last()
    }

    /// The key with this number, while it is kept.
    pub fn get(&self, number: u32) -> Option<&Key> {
        self.0.iter().find(|key| key.number == number)
    }

    /// Whether a new key should be made.
    pub fn is_due(&self, now: u64) -> bool {
        self.newest().is_none_or(|key| now >= key.made_at.saturating_add(ROTATE_AFTER_NS))
    }

    /// Adds a key and drops the oldest.
    pub fn rotate(&mut self, secret: Digest, now: u64) {
        let number = self.newest().map_or(1, |key| key.number.wrapping_add(1));
        self.0.push(Key { number, secret, made_at: now });
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
    }
}
