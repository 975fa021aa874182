//! Uploads and blobs on the wire.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

// The limits that uploads are held to.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadConfig {
    // Largest inline asset.
    pub inline_max: u32,
    // Largest chunk; every chunk may have any size from 1 to this.
    pub chunk_size: u32,
    // Largest sum of inline assets in one capsule.
    pub inline_budget_per_capsule: u32,
}

// Who holds a blob's bytes.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageBackend {
    S3,
    Icp,
    VercelBlob,
    Arweave,
    Ipfs,
}

// What uploads_finish made.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadFinishResult {
    // Always empty: finishing makes a blob and no memory.
    pub memory_id: String,
    // `blob_<decimal>`, the locator of the blob.
    pub blob_id: String,
    pub remote_id: Option<String>,
    pub size: u64,
    pub checksum_sha256: Option<ByteBuf>,
    pub storage_backend: StorageBackend,
    // `icp://blob/blob_<decimal>`.
    pub storage_location: String,
    pub uploaded_at: u64,
    pub expires_at: Option<u64>,
}

// Chunk indexes from `start` (included) to `end` (not included).
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ChunkRange {
    pub start: u32,
    pub end: u32,
}

// How far an upload session has come.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct UploadStatus {
    pub session_id: u64,
    pub capsule_id: String,
    pub expected_chunks: u32,
    pub received_chunks: u32,
    pub received_bytes: u64,
    // Chunks that have arrived, as ranges in ascending order.
    pub received: Vec<ChunkRange>,
    // Chunks that have not arrived, as ranges in ascending order.
    pub missing: Vec<ChunkRange>,
    pub created_at: u64,
    // When the session ends unless another chunk arrives.
    pub expires_at: u64,
    // The blob, once the upload is finished.
    pub blob_id: Option<String>,
}

// Size of a blob and the number of chunks that blob_read_chunk gives.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BlobMeta {
    pub size: u64,
    pub chunk_count: u32,
}

// A blob of this canister.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BlobRef {
    // `blob_<decimal>`.
    pub locator: String,
    pub hash: Option<ByteBuf>,
    pub len: u64,
}

// A blob that has the bytes asked for.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BlobFound {
    // `blob_<decimal>`.
    pub blob_id: String,
    pub size: u64,
    // A memory of the capsule that refers to it.
    pub memory_id: Option<String>,
}
