//! Faults that can be planted, to show that the tests would find them. A build has one only when its feature is named
//! (`cargo test --features fault-…`); `README.md` has the table. Nothing else in the crate asks for features.

/// A stranger's chunk goes into the hash before it is found that they may not send.
pub const HASH_BEFORE_OWNER_CHECK: bool = cfg!(feature = "fault-hash-before-owner-check");
/// Chunks are hashed in the order in which they come, not in that of their indexes.
pub const HASH_IN_ORDER_OF_ARRIVAL: bool = cfg!(feature = "fault-hash-in-order-of-arrival");
/// Open sessions do not survive an upgrade.
pub const SESSIONS_LOST_AT_UPGRADE: bool = cfg!(feature = "fault-sessions-lost-at-upgrade");
/// Blob ids are the time.
pub const BLOB_ID_FROM_CLOCK: bool = cfg!(feature = "fault-blob-id-from-clock");
/// A memory's references to blobs are not counted.
pub const REFERENCE_NOT_COUNTED: bool = cfg!(feature = "fault-reference-not-counted");
