//! Chunks and the blobs that are made of them.
//!
//! A chunk is stored once, when it arrives, under a *stem* (a digest that stands for one upload) and its index. A blob takes over the
//! chunks of a stem as they are: finishing an upload moves no byte, and reading a chunk touches no other.

use std::borrow::Cow;

use candid::{CandidType, Deserialize, Principal};
use ic_stable_structures::BTreeMap;
use ic_stable_structures::storable::{Bound, Storable};

use super::refs::Refs;
use super::space::{Extent, Space};
use crate::codec::{Digest, Record};
use crate::error::{Error, Result};
use crate::memory::{self, Memories, Memory};
use crate::session::{ByteSink, SessionId};

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
}

/// Where a chunk is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    len: u32,
    extents: Vec<Extent>,
}

/// Layout: length, then first page and number of pages of each extent; u32, little-endian.
impl Storable for Chunk {
    const BOUND: Bound = Bound::Unbounded;

    fn to_bytes(&self) -> Cow<'_, [u8]> {
        let words = self.extents.iter().flat_map(|extent| [extent.first, extent.pages]);
        Cow::Owned(std::iter::once(self.len).chain(words).flat_map(u32::to_le_bytes).collect())
    }

    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes().into_owned()
    }

    fn from_bytes(bytes: Cow<'_, [u8]>) -> Self {
        let word = |part: &[u8]| part.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
        let extents = bytes[4..].chunks_exact(8).map(|pair| Extent { first: word(&pair[..4]), pages: word(&pair[4..]) });
        Self { len: word(&bytes[..4]), extents: extents.collect() }
    }
}

/// All chunks and blobs.
pub struct BlobStore {
    chunks: BTreeMap<(Digest, u32), Chunk, Memory>,
    space: Space<Memory>,
    blobs: BTreeMap<BlobId, Record<Blob>, Memory>,
    by_capsule: BTreeMap<(u64, BlobId), (), Memory>,
    /// Which memories refer to which blobs.
    pub refs: Refs,
}

impl BlobStore {
    /// Opens what stable memory holds.
    pub fn open(memories: &Memories) -> Self {
        let [bytes, by_start, by_size] = [memory::BYTES, memory::FREE_BY_START, memory::FREE_BY_SIZE].map(|id| memories.get(id));
        Self {
            chunks: BTreeMap::init(memories.get(memory::CHUNKS)),
            space: Space::open(bytes, by_start, by_size),
            blobs: BTreeMap::init(memories.get(memory::BLOBS)),
            by_capsule: BTreeMap::init(memories.get(memory::CAPSULE_BLOBS)),
            refs: Refs::open(memories.get(memory::BLOB_REFS)),
        }
    }

    /// The sink for the chunks of one stem, which takes at most `room` bytes.
    pub fn sink(&mut self, stem: Digest, room: u64) -> ChunkSink<'_> {
        ChunkSink { store: self, stem, room }
    }

    /// Makes a blob of the chunks that stand under its stem.
    pub fn insert(&mut self, blob: Blob) {
        self.by_capsule.insert((blob.capsule, blob.id), ());
        self.blobs.insert(blob.id, Record(blob));
    }

    /// The blob with this number.
    pub fn get(&self, id: BlobId) -> Option<Blob> {
        self.blobs.get(&id).map(|record| record.0)
    }

    /// Removes a blob and frees its bytes.
    pub fn remove(&mut self, id: BlobId) -> Option<Blob> {
        let blob = self.blobs.remove(&id)?.0;
        self.by_capsule.remove(&(blob.capsule, id));
        self.drop_chunks(&blob.stem);
        Some(blob)
    }

    /// Takes a blob away from its capsule, which is deleted.
    pub fn orphan(&mut self, id: BlobId) {
        if let Some(blob) = self.get(id) {
            self.by_capsule.remove(&(blob.capsule, id));
        }
    }

    /// At most `most` blobs that are counted for a capsule.
    pub fn of_capsule(&self, capsule: u64, most: usize) -> Vec<BlobId> {
        self.by_capsule.range((capsule, 0)..=(capsule, u64::MAX)).take(most).map(|entry| entry.key().1).collect()
    }

    /// The bytes of one chunk.
    pub fn read_chunk(&self, stem: &Digest, index: u32) -> Option<Vec<u8>> {
        let chunk = self.chunks.get(&(*stem, index))?;
        let mut bytes = vec![0; chunk.len as usize];
        self.space.read(&chunk.extents, 0, &mut bytes);
        Some(bytes)
    }

    /// Bytes `from..from + len` of a blob, fewer at its end.
    pub fn read_range(&self, blob: &Blob, from: u64, len: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(len);
        let mut start = 0;
        for entry in self.chunks.range((blob.stem, 0)..=(blob.stem, u32::MAX)) {
            let chunk = entry.value();
            let end = start + u64::from(chunk.len);
            let at = from + out.len() as u64;
            if at < end && out.len() < len {
                let part = ((end - at) as usize).min(len - out.len());
                let filled = out.len();
                out.resize(filled + part, 0);
                self.space.read(&chunk.extents, at - start, &mut out[filled..]);
            }
            if out.len() == len {
                break;
            }
            start = end;
        }
        out
    }

    /// Frees all chunks of a stem; returns their bytes.
    pub fn drop_chunks(&mut self, stem: &Digest) -> u64 {
        let chunks: Vec<_> = self.chunks.range((*stem, 0)..=(*stem, u32::MAX)).map(|entry| entry.into_pair()).collect();
        for (key, chunk) in &chunks {
            self.chunks.remove(key);
            self.space.free(&chunk.extents);
        }
        chunks.iter().map(|(_, chunk)| u64::from(chunk.len)).sum()
    }

    /// Whether there is neither a chunk nor a blob.
    pub fn holds_nothing(&self) -> bool {
        self.chunks.is_empty() && self.blobs.is_empty()
    }

    fn holds(&self, key: &(Digest, u32), bytes: &[u8]) -> bool {
        const PIECE: usize = 64 * 1024;
        let Some(chunk) = self.chunks.get(key).filter(|chunk| chunk.len as usize == bytes.len()) else {
            return false;
        };
        let mut buffer = vec![0; PIECE.min(bytes.len())];
        bytes.chunks(PIECE).enumerate().all(|(number, piece)| {
            let stored = &mut buffer[..piece.len()];
            self.space.read(&chunk.extents, (number * PIECE) as u64, stored);
            are_equal(stored, piece)
        })
    }
}

/// Compares eight bytes at a time: Wasm has no instruction for it, and a chunk that is sent again is compared whole.
fn are_equal(left: &[u8], right: &[u8]) -> bool {
    let ((left_words, left_rest), (right_words, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let words = left_words.iter().zip(right_words);
    let differences = words.fold(0, |all, (left, right)| all | u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right));
    left.len() == right.len() && differences == 0 && left_rest == right_rest
}

/// Takes the chunks of one stem straight to stable memory.
pub struct ChunkSink<'a> {
    store: &'a mut BlobStore,
    stem: Digest,
    room: u64,
}

impl ByteSink for ChunkSink<'_> {
    fn write_chunk(&mut self, index: u32, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.room {
            return Err(Error::ResourceExhausted);
        }
        let extents = self.store.space.store(bytes).ok_or(Error::ResourceExhausted)?;
        self.store.chunks.insert((self.stem, index), Chunk { len: bytes.len() as u32, extents });
        Ok(())
    }

    fn holds(&self, index: u32, bytes: &[u8]) -> bool {
        self.store.holds(&(self.stem, index), bytes)
    }
}
