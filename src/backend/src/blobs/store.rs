//! Blobs: a name, an owner and a hash for the chunks of one upload.

use candid::{CandidType, Deserialize, Principal};
use ic_stable_structures::BTreeMap;

use super::chunks::Chunks;
use super::refs::Refs;
use crate::codec::Digest;
use crate::memory::{self, Memories, Memory};
use crate::session::SessionId;
use crate::stored::{Record, layout};

/// Number of a blob, as in its locator.
pub type BlobId = u64;

/// A blob.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Blob {
    /// Its number.
    pub id: BlobId,
    /// Who uploaded it, and may delete it.
    pub owner: Principal,
    /// The capsule that its bytes are counted for.
    pub capsule: u64,
    /// The session that it was uploaded by; its receipt goes with the blob.
    pub session: SessionId,
    /// What its chunks stand under.
    #[serde(with = "serde_bytes")]
    pub stem: Digest,
    /// Number of chunks.
    pub chunks: u32,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    #[serde(with = "serde_bytes")]
    pub sha256: Digest,
    /// When it was finished.
    pub created_at: u64,
    /// The length of all its chunks but the last, where they have one; absent also in what layout 1 wrote.
    pub chunk_length: Option<u32>,
}

layout!(Blob { id, owner, capsule, session, stem, chunks, size, sha256, created_at, chunk_length });

/// All blobs, and the chunks that they are made of.
pub struct BlobStore {
    blobs: BTreeMap<BlobId, Record<Blob>, Memory>,
    by_capsule: BTreeMap<(u64, BlobId), (), Memory>,
    by_hash: BTreeMap<(u64, Digest, BlobId), (), Memory>,
    /// The chunks of blobs and of open uploads.
    pub chunks: Chunks,
    /// Which memories refer to which blobs.
    pub refs: Refs,
}

impl BlobStore {
    /// Opens what stable memory holds.
    pub fn open(memories: &Memories) -> Self {
        Self {
            blobs: BTreeMap::init(memories.get(memory::BLOBS)),
            by_capsule: BTreeMap::init(memories.get(memory::CAPSULE_BLOBS)),
            by_hash: BTreeMap::init(memories.get(memory::BLOB_HASHES)),
            chunks: Chunks::open(memories),
            refs: Refs::open(memories.get(memory::BLOB_REFS)),
        }
    }

    /// Makes a blob of the chunks that stand under its stem.
    pub fn insert(&mut self, blob: Blob) {
        self.by_capsule.insert((blob.capsule, blob.id), ());
        self.by_hash.insert((blob.capsule, blob.sha256, blob.id), ());
        self.blobs.insert(blob.id, Record(blob));
    }

    /// The blob with this number.
    pub fn get(&self, id: BlobId) -> Option<Blob> {
        self.blobs.get(&id).map(|record| record.0)
    }

    /// Removes a blob and drops its chunks.
    pub fn remove(&mut self, id: BlobId) -> Option<Blob> {
        let blob = self.blobs.remove(&id)?.0;
        self.by_capsule.remove(&(blob.capsule, id));
        self.by_hash.remove(&(blob.capsule, blob.sha256, id));
        self.chunks.doom(blob.stem);
        Some(blob)
    }

    /// Takes a blob away from its capsule, which is deleted.
    pub fn orphan(&mut self, id: BlobId) {
        if let Some(blob) = self.get(id) {
            self.by_capsule.remove(&(blob.capsule, id));
            self.by_hash.remove(&(blob.capsule, blob.sha256, id));
        }
    }

    /// At most `most` blobs that are counted for a capsule.
    pub fn of_capsule(&self, capsule: u64, most: usize) -> Vec<BlobId> {
        self.by_capsule.range((capsule, 0)..=(capsule, u64::MAX)).take(most).map(|entry| entry.key().1).collect()
    }

    /// At most `most` blobs with these bytes that are counted for a capsule.
    pub fn with_hash(&self, capsule: u64, sha256: &Digest, most: usize) -> Vec<BlobId> {
        let range = (capsule, *sha256, 0)..=(capsule, *sha256, u64::MAX);
        self.by_hash.keys_range(range).take(most).map(|(_, _, id)| id).collect()
    }

    /// At most `most` blobs of all capsules, from a number on.
    pub fn from(&self, id: BlobId, most: usize) -> Vec<Blob> {
        self.blobs.range(id..).take(most).map(|entry| entry.value().0).collect()
    }

    /// Stores a blob of an earlier layout anew, and indexes it if it is still counted for its capsule.
    pub fn rewrite(&mut self, blob: Blob) {
        if self.by_capsule.contains_key(&(blob.capsule, blob.id)) {
            self.by_hash.insert((blob.capsule, blob.sha256, blob.id), ());
        }
        self.blobs.insert(blob.id, Record(blob));
    }

    /// One chunk of a blob.
    pub fn read_chunk(&self, blob: &Blob, index: u32) -> Option<Vec<u8>> {
        self.chunks.read(&blob.stem, index)
    }

    /// Bytes `from..from + len` of a blob, fewer at its end.
    pub fn read_range(&self, blob: &Blob, from: u64, len: usize) -> Vec<u8> {
        self.chunks.read_range(&blob.stem, blob.chunk_length, from, len)
    }

    /// Whether there is neither a chunk nor a blob.
    pub fn holds_nothing(&self) -> bool {
        self.chunks.is_empty() && self.blobs.is_empty()
    }
}
