//! Versions of the stable layout.
//!
//! | version | since | what changed |
//! |---|---|---|
//! | 1 | 0.1.0 | — |
//! | 2 | 0.2.0 | DOOMED_CHUNKS; optional fields: `chunk_length` of a blob, `lengths` of an upload |
//! | 3 | 0.3.0 | records without types (`stored/`) instead of Candid; BLOB_HASHES; optional field: `migration` of the settings |
//!
//! A build opens its own version and every older one; a newer one it refuses at installation, so that a downgrade cannot spoil data.

/// The layout that this build writes.
pub const VERSION: u32 = 3;

/// Whether this build can work with what a build of that version wrote.
pub fn can_open(version: u32) -> bool {
    (1..=VERSION).contains(&version)
}
