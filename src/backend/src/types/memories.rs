//! Memories on the wire.

use candid::{CandidType, Deserialize, Nat};

use super::{
    AccessEntry, DatabaseHosting, MemoryAssetBlobExternal, MemoryAssetBlobInternal, MemoryAssetInline, MemoryType, SharingStatus,
};
use crate::error::Error;

/// What a memory says of itself. sharing_status, shared_count, total_size and asset_count are computed here, whatever is sent.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryMetadata {
    /// The memory type.
    pub memory_type: MemoryType,
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The content type.
    pub content_type: String,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The uploaded time.
    pub uploaded_at: u64,
    /// The date of memory.
    pub date_of_memory: Option<u64>,
    /// The file created time.
    pub file_created_at: Option<u64>,
    /// The parent folder id.
    pub parent_folder_id: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
    /// The deleted time.
    pub deleted_at: Option<u64>,
    /// The people in memory.
    pub people_in_memory: Option<Vec<String>>,
    /// The location.
    pub location: Option<String>,
    /// The memory notes.
    pub memory_notes: Option<String>,
    /// The created by.
    pub created_by: Option<String>,
    /// The database storage edges.
    pub database_storage_edges: Vec<DatabaseHosting>,
    /// The shared count.
    pub shared_count: u32,
    /// The sharing status.
    pub sharing_status: SharingStatus,
    /// The total size.
    pub total_size: u64,
    /// The asset count.
    pub asset_count: u32,
}

/// A memory with its assets; bytes of blobs are read by blob_read_chunk.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Memory {
    /// The id.
    pub id: String,
    /// The capsule id.
    pub capsule_id: String,
    /// The metadata.
    pub metadata: MemoryMetadata,
    /// The access entries.
    pub access_entries: Vec<AccessEntry>,
    /// The inline assets.
    pub inline_assets: Vec<MemoryAssetInline>,
    /// The blob internal assets.
    pub blob_internal_assets: Vec<MemoryAssetBlobInternal>,
    /// The blob external assets.
    pub blob_external_assets: Vec<MemoryAssetBlobExternal>,
}

/// What to change of a memory; null leaves a field as it is. `metadata` replaces everything and wins over `name` (the title).
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryUpdateData {
    /// The name.
    pub name: Option<String>,
    /// The metadata.
    pub metadata: Option<MemoryMetadata>,
    /// The access entries.
    pub access_entries: Option<Vec<AccessEntry>>,
}

/// The renditions that have links.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    /// Thumbnail.
    Thumbnail,
    /// Display.
    Display,
    /// Original.
    Original,
}

/// Where an asset can be fetched over HTTP, and the token that opens it.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetLink {
    /// The path.
    pub path: String,
    /// The token.
    pub token: String,
    /// The expires at ns.
    pub expires_at_ns: Nat,
    /// The content type.
    pub content_type: String,
    /// The width.
    pub width: Option<u32>,
    /// The height.
    pub height: Option<u32>,
    /// The bytes.
    pub bytes: Option<u64>,
    /// The asset kind.
    pub asset_kind: AssetKind,
    /// The asset id.
    pub asset_id: String,
    /// The etag.
    pub etag: Option<String>,
}

/// Links to the renditions that a memory has.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetLinks {
    /// The thumbnail.
    pub thumbnail: Option<AssetLink>,
    /// The display.
    pub display: Option<AssetLink>,
    /// The original.
    pub original: Option<AssetLink>,
}

/// A memory as a row of a list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryHeader {
    /// The id.
    pub id: String,
    /// The capsule id.
    pub capsule_id: String,
    /// The title as a slug.
    pub name: String,
    /// The memory type.
    pub memory_type: MemoryType,
    /// The size.
    pub size: u64,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The parent folder id.
    pub parent_folder_id: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
    /// The shared count.
    pub shared_count: u32,
    /// The sharing status.
    pub sharing_status: SharingStatus,
    /// The asset count.
    pub asset_count: u32,
    /// The assets.
    pub assets: AssetLinks,
    /// Base64 of a small inline placeholder.
    pub placeholder_data: Option<String>,
    /// The database storage edges.
    pub database_storage_edges: Vec<DatabaseHosting>,
}

/// A page of a list; next_cursor is null on the last one.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Page {
    /// The items.
    pub items: Vec<MemoryHeader>,
    /// The next cursor.
    pub next_cursor: Option<String>,
}

/// Names of a memory's assets: `inline_<index>`, blob locators, storage keys.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetsList {
    /// The memory id.
    pub memory_id: String,
    /// The inline assets.
    pub inline_assets: Vec<String>,
    /// The internal assets.
    pub internal_assets: Vec<String>,
    /// The external assets.
    pub external_assets: Vec<String>,
    /// The total count.
    pub total_count: u32,
}

/// Whether a memory is there and has assets.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryPresenceResult {
    /// The memory id.
    pub memory_id: String,
    /// The metadata present.
    pub metadata_present: bool,
    /// The asset present.
    pub asset_present: bool,
}

/// What a bulk delete did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkDeleteResult {
    /// The deleted count.
    pub deleted_count: u32,
    /// The failed count.
    pub failed_count: u32,
    /// The message.
    pub message: String,
}

/// What a cleanup of a memory's assets did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetCleanupResult {
    /// The memory id.
    pub memory_id: String,
    /// The assets cleaned.
    pub assets_cleaned: u32,
    /// The message.
    pub message: String,
}

/// What the removal of one asset did.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetRemovalResult {
    /// The memory id.
    pub memory_id: String,
    /// The asset removed.
    pub asset_removed: bool,
    /// The message.
    pub message: String,
}

/// What a bulk call did, by id.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkResult {
    /// Ids that were done.
    pub ok: Vec<String>,
    /// Ids that were not, and why.
    pub failed: Vec<BulkFailure>,
}

/// An id that was not done.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct BulkFailure {
    /// Which.
    pub id: String,
    /// Why.
    pub err: Error,
}
