//! Stable memory: the only memory manager, the ids, and the map. Raw stable memory is seen by this file alone.
//!
//! ```text
//! stable memory                          (MemoryManager, buckets of 32 Wasm pages = 2 MiB, at most 64 GiB altogether)
//! ├─  0 SETTINGS         one record: layout version, quotas, secret seed, counters            Settings
//! ├─  1 SESSIONS         session number                          → session                     session/
//! ├─  2 SESSION_IDEM     digest of (place, caller, idem)         → session number              session/
//! ├─  3 SESSION_OWNERS   digest of (place, caller), number       → when it ends at the earliest session/
//! ├─  4 SESSION_ENDS     when it ends at the earliest, number    → ()                          session/
//! ├─  5 CHUNKS           stem, index                             → length and extents          blobs/chunks
//! ├─  6 BYTES            raw bytes of all chunks, in pages of 16 KiB                            blobs/space
//! ├─  7 FREE_BY_START    first free page                         → pages                       blobs/space
//! ├─  8 FREE_BY_SIZE     pages, first free page                  → ()                          blobs/space
//! ├─  9 BLOBS            blob number                             → blob                        blobs/store
//! ├─ 10 BLOB_REFS        blob number, capsule, memory            → ()                          blobs/refs
//! ├─ 11 CAPSULE_BLOBS    capsule, blob number                    → ()                          blobs/store
//! ├─ 12 CAPSULES         capsule number                          → capsule                     capsules/
//! ├─ 13 CAPSULE_PEOPLE   digest of principal, capsule number     → ()                          capsules/
//! ├─ 14 OWN_CAPSULES     digest of principal                     → capsule number              capsules/
//! ├─ 15 USAGE            capsule number                          → bytes and memories used     capsules/quota
//! ├─ 16 MEMORIES         capsule, memory                         → memory (without bytes)      memories/
//! ├─ 17 MEMORY_IDS       id (16 bytes)                           → capsule, memory             memories/
//! ├─ 18 INLINE           capsule, memory, asset id               → bytes                       memories/inline
//! ├─ 19 IDEMPOTENCY      digest of (what, where, caller, idem)   → content digest, result      memories/idempotency
//! ├─ 20 DOOMED           capsule                                 → () deleted, not yet freed   capsules/
//! ├─ 21 DOOMED_CHUNKS    stem                                    → () dropped, not yet freed   blobs/chunks
//! └─ 22 BLOB_HASHES      capsule, SHA-256, blob number           → ()                          blobs/store
//! ```
//!
//! Ids are never used for anything else, even when a structure is given up. Every structure is written through at once: there is no
//! `pre_upgrade`, and an upgrade loses nothing.

use ic_stable_structures::DefaultMemoryImpl;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager, VirtualMemory};

/// A part of stable memory that one structure owns.
pub type Memory = VirtualMemory<DefaultMemoryImpl>;

/// Wasm pages a bucket: small, because each of the structures starts with one.
const BUCKET_PAGES: u16 = 32;

macro_rules! ids {
    ($($name:ident = $id:literal),* $(,)?) => {
        $(#[doc = concat!("See the map, row ", stringify!($id), ".")] pub const $name: MemoryId = MemoryId::new($id);)*
    };
}

ids! {
    SETTINGS = 0, SESSIONS = 1, SESSION_IDEM = 2, SESSION_OWNERS = 3, SESSION_ENDS = 4, CHUNKS = 5, BYTES = 6,
    FREE_BY_START = 7, FREE_BY_SIZE = 8, BLOBS = 9, BLOB_REFS = 10, CAPSULE_BLOBS = 11, CAPSULES = 12, CAPSULE_PEOPLE = 13,
    OWN_CAPSULES = 14, USAGE = 15, MEMORIES = 16, MEMORY_IDS = 17, INLINE = 18, IDEMPOTENCY = 19, DOOMED = 20, DOOMED_CHUNKS = 21,
    BLOB_HASHES = 22,
}

/// Hands out the parts of stable memory.
pub struct Memories(MemoryManager<DefaultMemoryImpl>);

impl Memories {
    /// Opens stable memory: what is there already, or a new layout.
    pub fn open(stable: DefaultMemoryImpl) -> Self {
        Self(MemoryManager::init_with_bucket_size(stable, BUCKET_PAGES))
    }

    /// The part with this id.
    pub fn get(&self, id: MemoryId) -> Memory {
        self.0.get(id)
    }
}
