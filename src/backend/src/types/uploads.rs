//! Uploads and blobs on the wire.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// The limits that uploads are held to.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadConfig {
    /// Largest inline asset.
    pub inline_max: u32,
    /// Largest chunk; every chunk may have any size from 1 to this.
    pub chunk_size: u32,
    /// Largest sum of inline assets in one capsule.
    pub inline_budget_per_capsule: u32,
}

/// Who holds a blob's bytes.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageBackend {
    /// S3.
    S3,
    /// Icp.
    Icp,
    /// Vercel blob.
    VercelBlob,
    /// Arweave.
    Arweave,
    /// Ipfs.
    Ipfs,
}

/// What uploads_finish made.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadFinishResult {
    /// Always empty: finishing makes a blob and no memory.
    pub memory_id: String,
    /// `blob_<decimal>`, the locator of the blob.
    pub blob_id: String,
    /// The remote id.
    pub remote_id: Option<String>,
    /// The size.
    pub size: u64,
    /// The checksum sha256.
    pub checksum_sha256: Option<ByteBuf>,
    /// The storage backend.
    pub storage_backend: StorageBackend,
    /// `icp://blob/blob_<decimal>`.
    pub storage_location: String,
    /// The uploaded time.
    pub uploaded_at: u64,
    /// The expires time.
    pub expires_at: Option<u64>,
}

/// chunk indexes from `start` (included) to `end` (not included).
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ChunkRange {
    /// The start.
    pub start: u32,
    /// The end.
    pub end: u32,
}

/// how far an upload session has come.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadStatus {
    /// The session id.
    pub session_id: u64,
    /// The capsule id.
    pub capsule_id: String,
    /// The expected chunks.
    pub expected_chunks: u32,
    /// The received chunks.
    pub received_chunks: u32,
    /// The received bytes.
    pub received_bytes: u64,
    /// Chunks that have arrived, as ranges in ascending order.
    pub received: Vec<ChunkRange>,
    /// Chunks that have not arrived, as ranges in ascending order.
    pub missing: Vec<ChunkRange>,
    /// The created time.
    pub created_at: u64,
    /// When the session ends unless another chunk arrives.
    pub expires_at: u64,
    /// The blob, once the upload is finished.
    pub blob_id: Option<String>,
}

/// Size of a blob and the number of chunks that blob_read_chunk gives.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BlobMeta {
    /// The size.
    pub size: u64,
    /// The chunk count.
    pub chunk_count: u32,
}

/// A blob of this canister.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BlobRef {
    /// `blob_<decimal>`.
    pub locator: String,
    /// The hash.
    pub hash: Option<ByteBuf>,
    /// The len.
    pub len: u64,
}
