//! Memories on the wire.

use candid::{CandidType, Deserialize, Nat};

use super::{
    AccessEntry, DatabaseHosting, InlineAssetInput, InternalBlobAssetInput, MemoryAssetBlobExternal, MemoryAssetBlobInternal,
    MemoryAssetInline, MemoryType, SharingStatus,
};
use crate::error::Error;

// What a memory says of itself. sharing_status, shared_count, total_size and asset_count are computed here, whatever is sent.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryMetadata {
    pub memory_type: MemoryType,
    pub title: Option<String>,
    pub description: Option<String>,
    pub content_type: String,
    pub created_at: u64,
    pub updated_at: u64,
    pub uploaded_at: u64,
    pub date_of_memory: Option<u64>,
    pub file_created_at: Option<u64>,
    pub parent_folder_id: Option<String>,
    pub tags: Vec<String>,
    pub deleted_at: Option<u64>,
    pub people_in_memory: Option<Vec<String>>,
    pub location: Option<String>,
    pub memory_notes: Option<String>,
    pub created_by: Option<String>,
    pub database_storage_edges: Vec<DatabaseHosting>,
    pub shared_count: u32,
    pub sharing_status: SharingStatus,
    pub total_size: u64,
    pub asset_count: u32,
}

// A memory with its assets; bytes of blobs are read by blob_read_chunk.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Memory {
    pub id: String,
    pub capsule_id: String,
    pub metadata: MemoryMetadata,
    pub access_entries: Vec<AccessEntry>,
    pub inline_assets: Vec<MemoryAssetInline>,
    pub blob_internal_assets: Vec<MemoryAssetBlobInternal>,
    pub blob_external_assets: Vec<MemoryAssetBlobExternal>,
}

// What to change of a memory; null leaves a field as it is. `metadata` replaces everything and wins over `name` (the title).
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryUpdateData {
    pub name: Option<String>,
    pub metadata: Option<MemoryMetadata>,
    pub access_entries: Option<Vec<AccessEntry>>,
}

// The renditions that have links.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    Thumbnail,
    Display,
    Original,
}

// Where an asset can be fetched over HTTP, and the token that opens it.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetLink {
    pub path: String,
    pub token: String,
    pub expires_at_ns: Nat,
    pub content_type: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub bytes: Option<u64>,
    pub asset_kind: AssetKind,
    pub asset_id: String,
    pub etag: Option<String>,
}

// Links to the renditions that a memory has.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetLinks {
    pub thumbnail: Option<AssetLink>,
    pub display: Option<AssetLink>,
    pub original: Option<AssetLink>,
}

// A memory as a row of a list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryHeader {
    pub id: String,
    pub capsule_id: String,
    // The title as a slug.
    pub name: String,
    pub memory_type: MemoryType,
    pub size: u64,
    pub created_at: u64,
    pub updated_at: u64,
    pub title: Option<String>,
    pub description: Option<String>,
    pub parent_folder_id: Option<String>,
    pub tags: Vec<String>,
    pub shared_count: u32,
    pub sharing_status: SharingStatus,
    pub asset_count: u32,
    pub assets: AssetLinks,
    // Base64 of a small inline placeholder.
    pub placeholder_data: Option<String>,
    pub database_storage_edges: Vec<DatabaseHosting>,
}

// A page of a list; next_cursor is null on the last one.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Page {
    pub items: Vec<MemoryHeader>,
    pub next_cursor: Option<String>,
}

// Names of a memory's assets: `inline_<index>`, blob locators, storage keys.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetsList {
    pub memory_id: String,
    pub inline_assets: Vec<String>,
    pub internal_assets: Vec<String>,
    pub external_assets: Vec<String>,
    pub total_count: u32,
}

// Whether a memory is there and has assets.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryPresenceResult {
    pub memory_id: String,
    pub metadata_present: bool,
    pub asset_present: bool,
}

// A memory to make from uploaded blobs and inline assets.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryInput {
    pub metadata: MemoryMetadata,
    pub blobs: Vec<InternalBlobAssetInput>,
    pub inline: Vec<InlineAssetInput>,
    // The caller's name for this memory.
    pub idem: String,
}

// A memory that was made, or found to be made before under the same idem.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryMade {
    pub idem: String,
    pub memory_id: String,
}

// What a bulk create did; the id of a failure is its idem.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkCreateResult {
    pub made: Vec<MemoryMade>,
    pub failed: Vec<BulkFailure>,
}

// What a bulk delete did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkDeleteResult {
    pub deleted_count: u32,
    pub failed_count: u32,
    pub message: String,
}

// What a cleanup of a memory's assets did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetCleanupResult {
    pub memory_id: String,
    pub assets_cleaned: u32,
    pub message: String,
}

// What the removal of one asset did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetRemovalResult {
    pub memory_id: String,
    pub asset_removed: bool,
    pub message: String,
}

// What a bulk call did, by id.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkResult {
    // Ids that were done.
    pub ok: Vec<String>,
    // Ids that were not, and why.
    pub failed: Vec<BulkFailure>,
}

// An id that was not done.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkFailure {
    // Which.
    pub id: String,
    // Why.
    pub err: Error,
}
