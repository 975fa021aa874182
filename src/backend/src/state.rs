//! Everything that the canister knows, all of it in stable memory.

use ic_stable_structures::DefaultMemoryImpl;

use crate::blobs::BlobStore;
use crate::capsules::CapsuleStore;
use crate::memories::MemoryStore;
use crate::memory::{self, Memories, Memory};
use crate::session::{Limits, SessionService};
use crate::settings::SettingsCell;
use crate::uploads::{CHUNK_SIZE, MAX_CHUNKS, Upload};

/// The stores. Domain functions take the whole state and touch what they need.
pub struct State {
    /// Version, quotas, seeds, counters.
    pub settings: SettingsCell,
    /// Upload sessions.
    pub sessions: SessionService<Upload, Memory>,
    /// Chunks and blobs.
    pub blobs: BlobStore,
    /// Capsules, and what they use.
    pub capsules: CapsuleStore,
    /// Memories and their inline bytes.
    pub memories: MemoryStore,
}

impl State {
    /// Opens what stable memory holds, or an empty canister.
    pub fn open(stable: DefaultMemoryImpl) -> Self {
        let memories = Memories::open(stable);
        let sessions = [memory::SESSIONS, memory::SESSION_IDEM, memory::SESSION_OWNERS, memory::SESSION_ENDS];
        Self {
            settings: SettingsCell::open(memories.get(memory::SETTINGS)),
            sessions: SessionService::open(sessions.map(|id| memories.get(id))),
            blobs: BlobStore::open(&memories),
            capsules: CapsuleStore::open(&memories),
            memories: MemoryStore::open(&memories),
        }
    }

    /// What upload sessions are held to.
    pub fn session_limits(&self) -> Limits {
        let quotas = &self.settings.get().quotas;
        Limits {
            max_chunks: MAX_CHUNKS,
            chunk_size: CHUNK_SIZE,
            open_per_owner: quotas.sessions_per_caller_and_capsule,
            ttl_ns: quotas.session_ttl_ns,
        }
    }
}
