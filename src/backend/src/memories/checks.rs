//! Limits of everything that callers can write into a memory. Each refusal names the field.

use super::record::{StoredMemory, base};
use crate::codec::Digest;
use crate::error::{Error, Result, require};
use crate::stored::to_bytes;
use crate::types::{AccessEntry, AssetMetadata, AssetMetadataBase, MemoryMetadata, PersonRef};

/// Largest inline asset (interface facts, section 2).
pub const INLINE_MAX: usize = 32_768;
/// Most assets of a memory.
pub const MAX_ASSETS: usize = 64;
/// Most access entries of a memory.
const MAX_ENTRIES: usize = 100;
/// Most bytes of a memory without its inline assets; with them it still fits into the reply of an update (2 MB).
const MAX_RECORD: usize = 512 << 10;
/// Most bytes of all inline assets of a memory.
const MAX_INLINE_OF_MEMORY: u64 = 1 << 20;
const MAX_LIST: usize = 200;
const SHORT: usize = 1_024;
const LONG: usize = 16 << 10;
const EXIF: usize = 64 << 10;

/// Refuses metadata of a memory that is too large.
pub fn check_memory(metadata: &MemoryMetadata) -> Result<()> {
    text("metadata.content_type", &metadata.content_type, SHORT)?;
    optional("metadata.title", &metadata.title, SHORT)?;
    optional("metadata.description", &metadata.description, LONG)?;
    optional("metadata.parent_folder_id", &metadata.parent_folder_id, SHORT)?;
    optional("metadata.location", &metadata.location, SHORT)?;
    optional("metadata.memory_notes", &metadata.memory_notes, LONG)?;
    optional("metadata.created_by", &metadata.created_by, SHORT)?;
    list("metadata.tags", &metadata.tags)?;
    list("metadata.people_in_memory", metadata.people_in_memory.as_deref().unwrap_or_default())?;
    let edges = metadata.database_storage_edges.len();
    require(edges <= 10, || format!("metadata.database_storage_edges: {edges} items, expected at most 10"))
}

/// Refuses metadata of an asset that is too large or has a hash of the wrong length.
pub fn check_asset(metadata: &AssetMetadata) -> Result<()> {
    check_base(base(metadata))?;
    let fields: &[(&str, &Option<String>)] = match metadata {
        AssetMetadata::Image(image) => {
            optional("metadata.exif_data", &image.exif_data, EXIF)?;
            &[("metadata.color_space", &image.color_space)]
        }
        AssetMetadata::Video(video) => &[("metadata.codec", &video.codec), ("metadata.resolution", &video.resolution)],
        AssetMetadata::Audio(audio) => &[("metadata.codec", &audio.codec)],
        AssetMetadata::Document(it) => &[("metadata.document_type", &it.document_type), ("metadata.language", &it.language)],
        AssetMetadata::Note(note) => &[("metadata.language", &note.language), ("metadata.format", &note.format)],
    };
    fields.iter().try_for_each(|(name, value)| optional(name, value, SHORT))
}

/// Refuses an asset that says another length or hash than its bytes have. A length of 0 says nothing where `zero_is_silent`.
pub fn check_truth(metadata: &AssetMetadata, len: u64, sha256: &Digest, zero_is_silent: bool) -> Result<()> {
    let said = base(metadata);
    let silent = zero_is_silent && said.bytes == 0;
    require(silent || said.bytes == len, || format!("metadata.base.bytes: says {}, the asset has {len}", said.bytes))?;
    let right = said.sha256.as_ref().is_none_or(|hash| hash.as_slice() == sha256);
    require(right, || "metadata.base.sha256: is not the hash of the asset".into())
}

/// Refuses access entries that are too many or too large.
pub fn check_entries(entries: &[AccessEntry]) -> Result<()> {
    let count = entries.len();
    require(count <= MAX_ENTRIES, || format!("access_entries: {count} items, expected at most {MAX_ENTRIES}"))?;
    entries.iter().try_for_each(|entry| {
        text("access_entries.id", &entry.id, SHORT)?;
        optional("access_entries.source_id", &entry.source_id, SHORT)?;
        person("access_entries.person_ref", entry.person_ref.as_ref())?;
        person("access_entries.invited_by_person_ref", entry.invited_by_person_ref.as_ref())
    })
}

/// Refuses inline bytes that are too many.
pub fn check_inline(bytes: &[u8]) -> Result<()> {
    let len = bytes.len();
    require(len <= INLINE_MAX, || format!("bytes: {len} bytes exceed inline_max of {INLINE_MAX}"))
}

/// Refuses a memory that as a whole would not fit into a reply.
pub fn check_whole(memory: &StoredMemory) -> Result<()> {
    let count = memory.assets.len();
    require(count <= MAX_ASSETS, || format!("assets: {count} items, expected at most {MAX_ASSETS}"))?;
    if memory.inline_bytes() > MAX_INLINE_OF_MEMORY {
        return Err(Error::ResourceExhausted);
    }
    let size = to_bytes(memory).len();
    require(size <= MAX_RECORD, || format!("metadata: {size} bytes in the whole memory, expected at most {MAX_RECORD}"))
}

/// Refuses a list of ids that one call cannot work off.
pub fn check_ids(ids: &[String], most: usize) -> Result<()> {
    require(ids.len() <= most, || format!("memory_ids: {} items, expected at most {most}", ids.len()))
}

/// Refuses a hash that is not 32 bytes long.
pub fn check_hash(name: &str, hash: Option<&[u8]>) -> Result<()> {
    let len = hash.map_or(32, <[u8]>::len);
    require(len == 32, || format!("{name}: expected 32 bytes, got {len}"))
}

/// Refuses a text that is too long.
pub fn check_text(name: &str, value: &str) -> Result<()> {
    text(name, value, SHORT)
}

fn check_base(base: &AssetMetadataBase) -> Result<()> {
    text("metadata.base.name", &base.name, SHORT)?;
    text("metadata.base.mime_type", &base.mime_type, SHORT)?;
    optional("metadata.base.description", &base.description, LONG)?;
    list("metadata.base.tags", &base.tags)?;
    optional("metadata.base.url", &base.url, LONG)?;
    optional("metadata.base.storage_key", &base.storage_key, SHORT)?;
    optional("metadata.base.bucket", &base.bucket, SHORT)?;
    optional("metadata.base.asset_location", &base.asset_location, SHORT)?;
    optional("metadata.base.processing_status", &base.processing_status, SHORT)?;
    optional("metadata.base.processing_error", &base.processing_error, SHORT)?;
    check_hash("metadata.base.sha256", base.sha256.as_ref().map(|hash| hash.as_slice()))
}

fn text(name: &str, value: &str, most: usize) -> Result<()> {
    require(value.len() <= most, || format!("{name}: {} bytes, expected at most {most}", value.len()))
}

fn optional(name: &str, value: &Option<String>, most: usize) -> Result<()> {
    value.as_deref().map_or(Ok(()), |value| text(name, value, most))
}

fn list(name: &str, items: &[String]) -> Result<()> {
    require(items.len() <= MAX_LIST, || format!("{name}: {} items, expected at most {MAX_LIST}", items.len()))?;
    items.iter().try_for_each(|item| text(name, item, SHORT))
}

fn person(name: &str, person: Option<&PersonRef>) -> Result<()> {
    match person {
        Some(PersonRef::Opaque(value)) => text(name, value, SHORT),
        _ => Ok(()),
    }
}
