//! Chunks: bytes under a *stem* (a digest that stands for one upload) and an index.
//!
//! A chunk is stored once, when it arrives. A blob takes over the chunks of a stem as they are: finishing an upload moves no byte, and
//! reading a chunk touches no other. Dropping a stem is quick however many chunks it has: it is doomed at once, so that nothing reads
//! it any more, and its chunks are freed a few at a time.

use std::borrow::Cow;

use ic_stable_structures::BTreeMap;
use ic_stable_structures::storable::{Bound, Storable};

use super::space::{Extent, Space};
use crate::codec::Digest;
use crate::error::{Error, Result};
use crate::memory::{self, Memories, Memory};
use crate::session::ByteSink;

/// Bytes that are compared at once.
const PIECE: usize = 64 * 1024;

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

/// All chunks, and the space that they are in.
pub struct Chunks {
    chunks: BTreeMap<(Digest, u32), Chunk, Memory>,
    space: Space<Memory>,
    doomed: BTreeMap<Digest, (), Memory>,
}

impl Chunks {
    /// Opens what stable memory holds.
    pub fn open(memories: &Memories) -> Self {
        let [bytes, by_start, by_size] = [memory::BYTES, memory::FREE_BY_START, memory::FREE_BY_SIZE].map(|id| memories.get(id));
        let chunks = memories.get(memory::CHUNKS);
        Self {
            chunks: BTreeMap::init(chunks),
            space: Space::open(bytes, by_start, by_size),
            doomed: BTreeMap::init(memories.get(memory::DOOMED_CHUNKS)),
        }
    }

    /// The sink for the chunks of one stem, which takes at most `room` bytes.
    pub fn sink(&mut self, stem: Digest, room: u64) -> ChunkSink<'_> {
        ChunkSink { chunks: self, stem, room }
    }

    /// The bytes of one chunk.
    pub fn read(&self, stem: &Digest, index: u32) -> Option<Vec<u8>> {
        let chunk = self.chunks.get(&(*stem, index))?;
        let mut bytes = vec![0; chunk.len as usize];
        self.space.read(&chunk.extents, 0, &mut bytes);
        Some(bytes)
    }

    /// Bytes `from..from + len` of the chunks of a stem joined, fewer at their end. Where all chunks but the last have the same known
    /// length, no chunk before those bytes is looked at.
    pub fn read_range(&self, stem: &Digest, length: Option<u32>, from: u64, len: usize) -> Vec<u8> {
        let skipped = length.map_or(0, |length| from / u64::from(length));
        let mut start = skipped * u64::from(length.unwrap_or_default());
        let (mut out, mut filled) = (vec![0; len], 0);
        for entry in self.chunks.range((*stem, skipped as u32)..=(*stem, u32::MAX)) {
            if filled == len {
                break;
            }
            let chunk = entry.value();
            let end = start + u64::from(chunk.len);
            let at = from + filled as u64;
            if at < end {
                let part = ((end - at) as usize).min(len - filled);
                self.space.read(&chunk.extents, at - start, &mut out[filled..filled + part]);
                filled += part;
            }
            start = end;
        }
        out.truncate(filled);
        out
    }

    /// Drops all chunks of a stem, which nothing may read any more; `purge` frees them.
    pub fn doom(&mut self, stem: Digest) {
        self.doomed.insert(stem, ());
    }

    /// Frees at most `most` chunks of stems that are dropped.
    pub fn purge(&mut self, most: usize) {
        let mut steps = most;
        while let Some((stem, ())) = self.doomed.first_key_value() {
            let range = self.chunks.range((stem, 0)..=(stem, u32::MAX));
            let chunks: Vec<_> = range.take(steps).map(|entry| entry.into_pair()).collect();
            for (key, chunk) in &chunks {
                self.chunks.remove(key);
                self.space.free(&chunk.extents);
            }
            steps -= chunks.len();
            if steps == 0 {
                return;
            }
            self.doomed.remove(&stem);
        }
    }

    /// Whether chunks wait to be freed.
    pub fn is_untidy(&self) -> bool {
        !self.doomed.is_empty()
    }

    /// Whether there is no chunk.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    fn holds(&self, key: &(Digest, u32), bytes: &[u8]) -> bool {
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
    chunks: &'a mut Chunks,
    stem: Digest,
    room: u64,
}

impl ByteSink for ChunkSink<'_> {
    fn write_chunk(&mut self, index: u32, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.room {
            return Err(Error::ResourceExhausted);
        }
        let extents = self.chunks.space.store(bytes).ok_or(Error::ResourceExhausted)?;
        self.chunks.chunks.insert((self.stem, index), Chunk { len: bytes.len() as u32, extents });
        Ok(())
    }

    fn holds(&self, index: u32, bytes: &[u8]) -> bool {
        self.chunks.holds(&(self.stem, index), bytes)
    }
}

#[cfg(test)]
mod tests {
    use ic_stable_structures::DefaultMemoryImpl;
    use proptest::prelude::*;

    use super::*;

    const STEM: Digest = [7; 32];

    fn chunks() -> Chunks {
        Chunks::open(&Memories::open(DefaultMemoryImpl::default()))
    }

    fn store(chunks: &mut Chunks, stem: Digest, parts: &[Vec<u8>]) {
        let mut sink = chunks.sink(stem, u64::MAX);
        parts.iter().zip(0..).for_each(|(part, index)| sink.write_chunk(index, part).expect("bug: grows"));
    }

    proptest! {
        /// A range reads the same whether the common length of the chunks is known or not, and as a slice of the whole would.
        #[test]
        fn ranges_are_slices(length in 1u32..50, count in 1usize..6, last in 1usize..50, from in 0usize..300, len in 0usize..300) {
            let sizes = std::iter::repeat_n(length as usize, count).chain([last.min(length as usize)]);
            let parts: Vec<Vec<u8>> = sizes.zip(0u8..).map(|(size, seed)| (0..size).map(|at| seed.wrapping_mul(50).wrapping_add(at as u8)).collect()).collect();
            let (mut chunks, whole) = (chunks(), parts.concat());
            store(&mut chunks, STEM, &parts);
            let expected = &whole[from.min(whole.len())..(from + len).min(whole.len())];
            for known in [None, Some(length)] {
                prop_assert_eq!(chunks.read_range(&STEM, known, from as u64, len), expected, "{:?}", known);
            }
        }
    }

    /// Freeing goes on where it stopped, and leaves the chunks of other stems alone.
    #[test]
    fn dropped_chunks_are_freed_a_few_at_a_time() {
        let mut chunks = chunks();
        store(&mut chunks, STEM, &[vec![1], vec![2], vec![3]]);
        store(&mut chunks, [8; 32], &[vec![4]]);
        chunks.doom(STEM);
        chunks.purge(2);
        assert!(chunks.is_untidy());
        chunks.purge(2);
        assert!(!chunks.is_untidy());
        assert_eq!(chunks.read(&STEM, 2), None);
        assert_eq!(chunks.read(&[8; 32], 0), Some(vec![4]));
    }

    /// A repeated chunk is known by every one of its bytes.
    #[test]
    fn a_single_other_byte_is_noticed() {
        let bytes: Vec<u8> = (0..PIECE + 13).map(|at| at as u8).collect();
        let mut chunks = chunks();
        store(&mut chunks, STEM, std::slice::from_ref(&bytes));
        assert!(chunks.holds(&(STEM, 0), &bytes));
        for at in [0, 7, 8, PIECE - 1, PIECE, PIECE + 12] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(!chunks.holds(&(STEM, 0), &other), "byte {at}");
        }
        assert!(!chunks.holds(&(STEM, 0), &bytes[1..]));
    }
}
