//! Which memories refer to which blobs. The references are the count: a blob without any is nobody's but its owner's.

use ic_stable_structures::BTreeMap;

use super::BlobId;
use crate::memories::MemoryKey;
use crate::memory::Memory;

/// Most memories that may refer to one blob: who may read a blob is found by asking each of them.
pub const MAX_REFS: usize = 256;

/// The references.
pub struct Refs(BTreeMap<(BlobId, u64, u64), (), Memory>);

impl Refs {
    /// Opens the references in this memory.
    pub fn open(memory: Memory) -> Self {
        Self(BTreeMap::init(memory))
    }

    /// Notes that a memory refers to a blob; again is harmless.
    pub fn add(&mut self, blob: BlobId, MemoryKey(capsule, number): MemoryKey) {
        self.0.insert((blob, capsule, number), ());
    }

    /// Notes that a memory no longer refers to a blob.
    pub fn remove(&mut self, blob: BlobId, MemoryKey(capsule, number): MemoryKey) {
        self.0.remove(&(blob, capsule, number));
    }

    /// The memories that refer to a blob.
    pub fn of(&self, blob: BlobId) -> Vec<MemoryKey> {
        let range = self.0.range((blob, 0, 0)..=(blob, u64::MAX, u64::MAX));
        range.map(|entry| MemoryKey(entry.key().1, entry.key().2)).collect()
    }

    /// Whether no further memory may refer to this blob.
    pub fn is_full(&self, blob: BlobId) -> bool {
        self.of(blob).len() >= MAX_REFS
    }
}
