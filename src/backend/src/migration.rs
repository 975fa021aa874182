//! Bringing what layout 2 stored to the present layout, a part in each message.
//!
//! ```text
//!   upgrade from layout 1 or 2 ──▶ Blobs(0) ──▶ … ──▶ Memories((0, 0)) ──▶ … ──▶ done (absent)
//! ```
//!
//! Everything is readable all the time: a record says itself in which layout it is (`stored/`), and a call that changes one writes it
//! anew. What this adds is that reading becomes cheap for records that no call changes, and that blobs are found by their hash.

use candid::{CandidType, Deserialize};

use crate::blobs::BlobId;
use crate::memories::MemoryKey;
use crate::state::State;

/// Records that one message rewrites: at 5 M instructions each a fortieth of what a message may take.
const RECORDS_A_MESSAGE: usize = 200;

/// How far it has come: the first record that is still to be looked at.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// Blobs are rewritten, and indexed by their hash.
    Blobs(BlobId),
    /// Memories are rewritten.
    Memories(u64, u64),
}

impl Migration {
    /// What an upgrade from an earlier layout begins with.
    pub const START: Self = Self::Blobs(0);
}

/// Does the next part; returns whether there is more.
pub fn step(state: &mut State) -> bool {
    let Some(progress) = state.settings.get().migration else {
        return false;
    };
    let next = match progress {
        Migration::Blobs(from) => blobs(state, from),
        Migration::Memories(capsule, number) => memories(state, MemoryKey(capsule, number)),
    };
    state.settings.change(|settings| settings.migration = next);
    next.is_some()
}

fn blobs(state: &mut State, from: BlobId) -> Option<Migration> {
    let blobs = state.blobs.from(from, RECORDS_A_MESSAGE);
    let next = blobs.last().and_then(|blob| blob.id.checked_add(1));
    blobs.into_iter().for_each(|blob| state.blobs.rewrite(blob));
    next.map(Migration::Blobs).or(Some(Migration::Memories(0, 0)))
}

fn memories(state: &mut State, from: MemoryKey) -> Option<Migration> {
    let found: Vec<_> = state.memories.from(from).take(RECORDS_A_MESSAGE).collect();
    found.iter().for_each(|(key, memory)| state.memories.put(*key, memory));
    found.last().map(|(key, _)| Migration::Memories(key.0, key.1 + 1))
}
