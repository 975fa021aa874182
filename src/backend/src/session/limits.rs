//! What sessions are held to.

use super::Session;
use crate::error::{Result, require};
use crate::faults;

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
        let ttl = if faults::expiry_in_wrong_unit() { self.ttl_ns.saturating_mul(1_000) } else { self.ttl_ns };
        now.saturating_add(ttl)
    }
}

/// Refuses a number of chunks that no session may have.
pub fn check_chunk_count(expected: u32, limits: &Limits) -> Result<()> {
    require(expected > 0, || "expected_chunks_zero".into())?;
    require(expected <= limits.max_chunks || faults::any_number_of_chunks(), || "expected_chunks_too_large".into())
}

/// Refuses a chunk that a session may not have.
pub fn check_chunk<P>(session: &Session<P>, index: u32, len: usize, limits: &Limits) -> Result<()> {
    let expected = session.expected_chunks;
    require(index < expected, || format!("chunk_index {index} out of range (expected < {expected})"))?;
    require(len > 0 || faults::empty_chunk_accepted(), || "chunk is empty".into())?;
    let odd = faults::chunks_must_be_even() && is_odd(session, index, len);
    require(!odd, || format!("chunk size {len} is not that of the first"))?;
    let max = limits.chunk_size;
    require(len <= max || faults::chunk_size_unchecked(), || format!("chunk size {len} exceeds limit of {max} bytes"))?;
    require(!session.completed || session.received.contains(index), || "session already committed".into())
}

/// Only for a planted fault.
fn is_odd<P>(session: &Session<P>, index: u32, len: usize) -> bool {
    let last = session.expected_chunks - 1;
    let (count, bytes) = (u64::from(session.received.count()), session.received_bytes);
    index < last && !session.received.contains(last) && bytes != count * len as u64
}
