//! Where the bytes of a session go.

use crate::error::Result;

/// Takes the chunks of one session.
pub trait ByteSink {
    /// Stores a chunk under an index that has none. When it fails, nothing was stored.
    fn write_chunk(&mut self, index: u32, bytes: &[u8]) -> Result<()>;

    /// Whether the chunk at this index has exactly these bytes.
    fn holds(&self, index: u32, bytes: &[u8]) -> bool;
}
