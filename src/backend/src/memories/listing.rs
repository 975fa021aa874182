//! Pages of memories. The order is the order of making, the cursor the number of the first memory that is not on the page yet, so
//! whatever is added or deleted meanwhile, every other memory is met exactly once.

use super::record::{MemoryKey, Place, StoredAsset, StoredMemory, base, uuid_text};
use crate::capsules::capsule_id;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::http;
use crate::state::State;
use crate::stored::to_bytes;
use crate::types::{AssetMetadata, AssetType, MemoryHeader, Page};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;
/// Bytes that the rows of a page may take: replies are limited to 2 MB, and one row is at most a quarter of that.
const PAGE_BYTES: usize = 1_000_000;
/// Inline placeholders below this size come with the row.
const PLACEHOLDER_BYTES: u64 = 1_000;

/// A page of a capsule's memories.
pub fn list(state: &State, call: &Call, capsule: &str, cursor: Option<&str>, limit: Option<u32>) -> Result<Page> {
    let number = state.capsules.visible(capsule, &call.caller)?.number;
    let from =
        cursor.map_or(Ok(0), |text| text.parse().map_err(|_| Error::invalid("cursor: is none that memories_list gave")))?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize;
    let mut items = Vec::new();
    let mut room = PAGE_BYTES;
    for (key, memory) in state.memories.of_capsule(number, from) {
        let size = to_bytes(&memory.metadata).len() + 3_000;
        if items.len() == limit || (size > room && !items.is_empty()) {
            return Ok(Page { items, next_cursor: Some(key.1.to_string()) });
        }
        room = room.saturating_sub(size);
        items.push(header(state, call, key, memory));
    }
    Ok(Page { items, next_cursor: None })
}

/// A title as part of an address.
pub fn slug(title: &str) -> String {
    let kept = title.chars().filter_map(|letter| match letter {
        ' ' | '_' | '.' | '/' | '-' => Some('-'),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    let slug: String = kept.flat_map(char::to_lowercase).collect();
    if slug.is_empty() { "untitled".into() } else { slug }
}

fn header(state: &State, call: &Call, key: MemoryKey, memory: StoredMemory) -> MemoryHeader {
    let assets = http::links(state, call, &memory);
    let placeholder_data = placeholder(state, key, &memory);
    let metadata = memory.metadata;
    MemoryHeader {
        id: uuid_text(&memory.id),
        capsule_id: capsule_id(key.0),
        name: slug(metadata.title.as_deref().unwrap_or_default()),
        memory_type: metadata.memory_type,
        size: metadata.total_size,
        created_at: metadata.created_at,
        updated_at: metadata.updated_at,
        title: metadata.title,
        description: metadata.description,
        parent_folder_id: metadata.parent_folder_id,
        tags: metadata.tags,
        shared_count: metadata.shared_count,
        sharing_status: metadata.sharing_status,
        asset_count: metadata.asset_count,
        assets,
        placeholder_data,
        database_storage_edges: metadata.database_storage_edges,
    }
}

fn placeholder(state: &State, key: MemoryKey, memory: &StoredMemory) -> Option<String> {
    let asset = memory.assets.iter().find(|asset| is_small_placeholder(asset))?;
    Some(http::base64(&state.memories.inline(key, &asset.id)))
}

fn is_small_placeholder(asset: &StoredAsset) -> bool {
    let small = matches!(asset.place, Place::Inline { len, .. } if len < PLACEHOLDER_BYTES);
    let image = matches!(asset.metadata, AssetMetadata::Image(_));
    small && image && base(&asset.metadata).asset_type == AssetType::Placeholder
}
