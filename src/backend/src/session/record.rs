//! What is known of a session.

use candid::{CandidType, Deserialize, Principal};

use super::Ranges;
use crate::codec::{Digest, digest};
use crate::stored::layout;

/// Number of a session; never used twice.
pub type SessionId = u64;

/// What a caller asks for: a session is found again by place, caller and idem.
#[derive(Clone, Debug)]
pub struct SessionSpec<P> {
    /// Who sends.
    pub caller: Principal,
    /// Number of the thing that the session is for.
    pub place: u64,
    /// The caller's name for this session.
    pub idem: String,
    /// How many chunks will come.
    pub expected_chunks: u32,
    /// What the user of this layer keeps with the session.
    pub payload: P,
}

impl<P> SessionSpec<P> {
    /// The key under which the session is found again.
    pub fn idem_key(&self) -> Digest {
        idem_key(self.place, &self.caller, &self.idem)
    }
}

/// The key of (place, caller, idem).
pub fn idem_key(place: u64, caller: &Principal, idem: &str) -> Digest {
    digest(&[b"session idem", &place.to_be_bytes(), caller.as_slice(), idem.as_bytes()])
}

/// The key of (place, caller), under which sessions are counted.
pub fn owner_key(place: u64, caller: &Principal) -> Digest {
    digest(&[b"session owner", &place.to_be_bytes(), caller.as_slice()])
}

/// A session, open or completed.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Session<P> {
    /// Its number.
    pub id: SessionId,
    /// Who sends; nobody else may.
    pub caller: Principal,
    /// Number of the thing that the session is for.
    pub place: u64,
    /// The key of (place, caller, idem).
    #[serde(with = "serde_bytes")]
    pub idem_key: Digest,
    /// How many chunks will come.
    pub expected_chunks: u32,
    /// Which have arrived.
    pub received: Ranges,
    /// How many bytes have arrived.
    pub received_bytes: u64,
    /// When it was made.
    pub created_at: u64,
    /// When it ends unless another chunk arrives.
    pub expires_at: u64,
    /// The time under which it stands in the index of ends: never later than `expires_at`.
    pub listed_end: u64,
    /// Whether everything came and was taken over.
    pub completed: bool,
    /// What the user of this layer keeps with the session.
    pub payload: P,
}

layout!(Session<P> {
    id, caller, place, idem_key, expected_chunks, received, received_bytes, created_at, expires_at, listed_end, completed, payload,
});

impl<P> Session<P> {
    /// Whether chunks can still come at this time.
    pub fn is_open(&self, now: u64) -> bool {
        !self.completed && now < self.expires_at
    }
}
