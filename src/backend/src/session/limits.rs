//! What sessions are held to.

use super::Session;
use crate::error::{Result, require};

/// What sessions are held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most chunks of a session.
    pub max_chunks: u32,
    /// Most bytes of a chunk.
    pub chunk_size: usize,
    /// Most open sessions of one caller in one place.
    pub open_per_owner: u32,
    /// Nanoseconds after the last chunk at which a session ends.
    pub ttl_ns: u64,
}

impl Limits {
    /// When a session ends whose last chunk came now.
    pub fn end(&self, now: u64) -> u64 {
        now.saturating_add(self.ttl_ns)
    }
}

/// Refuses a number of chunks that no session may have.
pub fn check_chunk_count(expected: u32, limits: &Limits) -> Result<()> {
    require(expected > 0, || "expected_chunks_zero".into())?;
    require(expected <= limits.max_chunks, || "expected_chunks_too_large".into())
}

/// Refuses a chunk that a session may not have.
pub fn check_chunk<P>(session: &Session<P>, index: u32, len: usize, limits: &Limits) -> Result<()> {
    let expected = session.expected_chunks;
    require(index < expected, || format!("chunk_index {index} out of range (expected < {expected})"))?;
    require(len > 0, || "chunk is empty".into())?;
    let max = limits.chunk_size;
    require(len <= max, || format!("chunk size {len} exceeds limit of {max} bytes"))?;
    require(!session.completed || session.received.contains(index), || "session already committed".into())
}
