//! Assets on the wire.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

use super::{BlobHosting, BlobRef};

/// What a memory is.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryType {
    /// Image.
    Image,
    /// Video.
    Video,
    /// Audio.
    Audio,
    /// Document.
    Document,
    /// Note.
    Note,
}

/// Which rendition of a memory an asset is.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetType {
    /// Original.
    Original,
    /// Thumbnail.
    Thumbnail,
    /// Display.
    Display,
    /// Placeholder.
    Placeholder,
    /// Metadata.
    Metadata,
}

/// What every asset says of itself.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AssetMetadataBase {
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
    /// The asset type.
    pub asset_type: AssetType,
    /// True length of the asset.
    pub bytes: u64,
    /// The mime type.
    pub mime_type: String,
    /// The sha256.
    pub sha256: Option<ByteBuf>,
    /// The width.
    pub width: Option<u32>,
    /// The height.
    pub height: Option<u32>,
    /// The url.
    pub url: Option<String>,
    /// The storage key.
    pub storage_key: Option<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The asset location.
    pub asset_location: Option<String>,
    /// The processing status.
    pub processing_status: Option<String>,
    /// The processing error.
    pub processing_error: Option<String>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The deleted time.
    pub deleted_at: Option<u64>,
}

/// Metadata of an image.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ImageAssetMetadata {
    /// The base.
    pub base: AssetMetadataBase,
    /// The color space.
    pub color_space: Option<String>,
    /// The exif data.
    pub exif_data: Option<String>,
    /// The compression ratio.
    pub compression_ratio: Option<f32>,
    /// The dpi.
    pub dpi: Option<u32>,
    /// The orientation.
    pub orientation: Option<u8>,
}

/// Metadata of a video.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct VideoAssetMetadata {
    /// The base.
    pub base: AssetMetadataBase,
    /// The duration.
    pub duration: Option<u64>,
    /// The frame rate.
    pub frame_rate: Option<f32>,
    /// The codec.
    pub codec: Option<String>,
    /// The bitrate.
    pub bitrate: Option<u64>,
    /// The resolution.
    pub resolution: Option<String>,
    /// The aspect ratio.
    pub aspect_ratio: Option<f32>,
}

/// Metadata of a sound recording.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AudioAssetMetadata {
    /// The base.
    pub base: AssetMetadataBase,
    /// The duration.
    pub duration: Option<u64>,
    /// The sample rate.
    pub sample_rate: Option<u32>,
    /// The channels.
    pub channels: Option<u8>,
    /// The bitrate.
    pub bitrate: Option<u64>,
    /// The codec.
    pub codec: Option<String>,
    /// The bit depth.
    pub bit_depth: Option<u8>,
}

/// Metadata of a document.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct DocumentAssetMetadata {
    /// The base.
    pub base: AssetMetadataBase,
    /// The page count.
    pub page_count: Option<u32>,
    /// The document type.
    pub document_type: Option<String>,
    /// The language.
    pub language: Option<String>,
    /// The word count.
    pub word_count: Option<u32>,
}

/// Metadata of a note.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct NoteAssetMetadata {
    /// The base.
    pub base: AssetMetadataBase,
    /// The word count.
    pub word_count: Option<u32>,
    /// The language.
    pub language: Option<String>,
    /// The format.
    pub format: Option<String>,
}

/// Metadata of an asset, by kind.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AssetMetadata {
    /// A image.
    Image(ImageAssetMetadata),
    /// A video.
    Video(VideoAssetMetadata),
    /// A audio.
    Audio(AudioAssetMetadata),
    /// A document.
    Document(DocumentAssetMetadata),
    /// A note.
    Note(NoteAssetMetadata),
}

/// An asset to make from an uploaded blob.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct InternalBlobAssetInput {
    /// The blob id.
    pub blob_id: String,
    /// The metadata.
    pub metadata: AssetMetadata,
}

/// An asset to keep inline.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct InlineAssetInput {
    /// The bytes.
    pub bytes: ByteBuf,
    /// The metadata.
    pub metadata: AssetMetadata,
}

/// An asset kept inline.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetInline {
    /// The asset id.
    pub asset_id: String,
    /// The bytes.
    pub bytes: ByteBuf,
    /// The metadata.
    pub metadata: AssetMetadata,
}

/// An asset kept as a blob of this canister.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetBlobInternal {
    /// The asset id.
    pub asset_id: String,
    /// The blob ref.
    pub blob_ref: BlobRef,
    /// The metadata.
    pub metadata: AssetMetadata,
}

/// An asset kept elsewhere.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct MemoryAssetBlobExternal {
    /// The asset id.
    pub asset_id: String,
    /// The location.
    pub location: BlobHosting,
    /// The storage key.
    pub storage_key: String,
    /// The url.
    pub url: Option<String>,
    /// The metadata.
    pub metadata: AssetMetadata,
}

/// One asset, with bytes or with where to get them.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum MemoryAssetData {
    /// The bytes themselves.
    Inline {
        /// The bytes.
        bytes: ByteBuf,
        /// MIME type.
        content_type: String,
        /// Their number.
        size: u64,
        /// Their SHA-256.
        sha256: Option<ByteBuf>,
    },
    /// A blob of this canister.
    InternalBlob {
        /// Its locator.
        blob_id: String,
        /// Its size.
        size: u64,
        /// Its SHA-256.
        sha256: Option<ByteBuf>,
    },
    /// Somewhere else.
    ExternalUrl {
        /// Where.
        url: String,
        /// Its size, as told.
        size: Option<u64>,
        /// Its SHA-256, as told.
        sha256: Option<ByteBuf>,
    },
}
