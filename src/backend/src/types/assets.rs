//! Assets on the wire.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

use super::{BlobHosting, BlobRef};

// What a memory is.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryType {
    Image,
    Video,
    Audio,
    Document,
    Note,
}

// Which rendition of a memory an asset is.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetType {
    Original,
    Thumbnail,
    Display,
    Placeholder,
    Metadata,
}

// What every asset says of itself.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetMetadataBase {
    pub name: String,
    pub description: Option<String>,
    pub tags: Vec<String>,
    pub asset_type: AssetType,
    // True length of the asset.
    pub bytes: u64,
    pub mime_type: String,
    pub sha256: Option<ByteBuf>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub url: Option<String>,
    pub storage_key: Option<String>,
    pub bucket: Option<String>,
    pub asset_location: Option<String>,
    pub processing_status: Option<String>,
    pub processing_error: Option<String>,
    pub created_at: u64,
    pub updated_at: u64,
    pub deleted_at: Option<u64>,
}

// Metadata of an image.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ImageAssetMetadata {
    pub base: AssetMetadataBase,
    pub color_space: Option<String>,
    pub exif_data: Option<String>,
    pub compression_ratio: Option<f32>,
    pub dpi: Option<u32>,
    pub orientation: Option<u8>,
}

// Metadata of a video.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct VideoAssetMetadata {
    pub base: AssetMetadataBase,
    pub duration: Option<u64>,
    pub frame_rate: Option<f32>,
    pub codec: Option<String>,
    pub bitrate: Option<u64>,
    pub resolution: Option<String>,
    pub aspect_ratio: Option<f32>,
}

// Metadata of a sound recording.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AudioAssetMetadata {
    pub base: AssetMetadataBase,
    pub duration: Option<u64>,
    pub sample_rate: Option<u32>,
    pub channels: Option<u8>,
    pub bitrate: Option<u64>,
    pub codec: Option<String>,
    pub bit_depth: Option<u8>,
}

// Metadata of a document.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct DocumentAssetMetadata {
    pub base: AssetMetadataBase,
    pub page_count: Option<u32>,
    pub document_type: Option<String>,
    pub language: Option<String>,
    pub word_count: Option<u32>,
}

// Metadata of a note.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct NoteAssetMetadata {
    pub base: AssetMetadataBase,
    pub word_count: Option<u32>,
    pub language: Option<String>,
    pub format: Option<String>,
}

// Metadata of an asset, by kind.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AssetMetadata {
    Image(ImageAssetMetadata),
    Video(VideoAssetMetadata),
    Audio(AudioAssetMetadata),
    Document(DocumentAssetMetadata),
    Note(NoteAssetMetadata),
}

// An asset to make from an uploaded blob.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct InternalBlobAssetInput {
    pub blob_id: String,
    pub metadata: AssetMetadata,
}

// An asset to keep inline.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct InlineAssetInput {
    pub bytes: ByteBuf,
    pub metadata: AssetMetadata,
}

// An asset kept inline.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetInline {
    pub asset_id: String,
    pub bytes: ByteBuf,
    pub metadata: AssetMetadata,
}

// An asset kept as a blob of this canister.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetBlobInternal {
    pub asset_id: String,
    pub blob_ref: BlobRef,
    pub metadata: AssetMetadata,
}

// An asset kept elsewhere.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetBlobExternal {
    pub asset_id: String,
    pub location: BlobHosting,
    pub storage_key: String,
    pub url: Option<String>,
    pub metadata: AssetMetadata,
}

// One asset, with bytes or with where to get them.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum MemoryAssetData {
    // The bytes themselves.
    Inline {
        bytes: ByteBuf,
        // MIME type.
        content_type: String,
        // Their number.
        size: u64,
        // Their SHA-256.
        sha256: Option<ByteBuf>,
    },
    // A blob of this canister.
    InternalBlob {
        // Its locator.
        blob_id: String,
        // Its size.
        size: u64,
        // Its SHA-256.
        sha256: Option<ByteBuf>,
    },
    // Somewhere else.
    ExternalUrl {
        // Where.
        url: String,
        // Its size, as told.
        size: Option<u64>,
        // Its SHA-256, as told.
        sha256: Option<ByteBuf>,
    },
}
