//! Memories in stable memory.

use ic_stable_structures::BTreeMap;

use super::idempotency::Idempotency;
use super::record::{MemoryKey, StoredMemory, Uuid, parse_uuid};
use crate::memory::{self, Memories, Memory};
use crate::stored::Record;

/// The memories.
pub struct MemoryStore {
    records: BTreeMap<(u64, u64), Record<StoredMemory>, Memory>,
    ids: BTreeMap<Uuid, (u64, u64), Memory>,
    inline: BTreeMap<(u64, u64, Uuid), Vec<u8>, Memory>,
    /// What was made under which idem.
    pub idempotency: Idempotency,
}

impl MemoryStore {
    /// Opens what stable memory holds.
    pub fn open(memories: &Memories) -> Self {
        let records = memories.get(memory::MEMORIES);
        Self {
            records: BTreeMap::init(records),
            ids: BTreeMap::init(memories.get(memory::MEMORY_IDS)),
            inline: BTreeMap::init(memories.get(memory::INLINE)),
            idempotency: Idempotency::open(memories.get(memory::IDEMPOTENCY)),
        }
    }

    /// Where the memory with this id stands.
    pub fn find(&self, id: &str) -> Option<MemoryKey> {
        self.ids.get(&parse_uuid(id)?).map(|(capsule, number)| MemoryKey(capsule, number))
    }

    /// The memory at this place.
    pub fn get(&self, key: MemoryKey) -> Option<StoredMemory> {
        self.records.get(&(key.0, key.1)).map(|record| record.0)
    }

    /// Stores a memory.
    pub fn put(&mut self, key: MemoryKey, memory: &StoredMemory) {
        self.ids.insert(memory.id, (key.0, key.1));
        self.records.insert((key.0, key.1), Record(memory.clone()));
    }

    /// Removes a memory with its inline bytes and what is remembered of its making.
    pub fn remove(&mut self, key: MemoryKey, memory: &StoredMemory) {
        for asset in &memory.assets {
            self.inline.remove(&(key.0, key.1, asset.id));
            self.idempotency.forget(&asset.idem_key);
        }
        self.idempotency.forget(&memory.idem_key);
        self.ids.remove(&memory.id);
        self.records.remove(&(key.0, key.1));
    }

    /// The memories of a capsule from a number on, in the order of making.
    pub fn of_capsule(&self, capsule: u64, from: u64) -> impl Iterator<Item = (MemoryKey, StoredMemory)> + '_ {
        let range = self.records.range((capsule, from)..=(capsule, u64::MAX));
        range.map(|entry| (MemoryKey(entry.key().0, entry.key().1), entry.value().0))
    }

    /// The memories of all capsules from one on.
    pub fn from(&self, key: MemoryKey) -> impl Iterator<Item = (MemoryKey, StoredMemory)> + '_ {
        self.records.range((key.0, key.1)..).map(|entry| (MemoryKey(entry.key().0, entry.key().1), entry.value().0))
    }

    /// Stores the bytes of an inline asset.
    pub fn put_inline(&mut self, key: MemoryKey, asset: Uuid, bytes: Vec<u8>) {
        self.inline.insert((key.0, key.1, asset), bytes);
    }

    /// The bytes of an inline asset.
    pub fn inline(&self, key: MemoryKey, asset: &Uuid) -> Vec<u8> {
        self.inline.get(&(key.0, key.1, *asset)).unwrap_or_default()
    }

    /// Drops the bytes of an inline asset.
    pub fn drop_inline(&mut self, key: MemoryKey, asset: &Uuid) {
        self.inline.remove(&(key.0, key.1, *asset));
    }
}
