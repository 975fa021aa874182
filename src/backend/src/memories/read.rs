//! Reading memories, and changing what they say of themselves.

use serde_bytes::ByteBuf;

use super::checks;
use super::record::{MemoryKey, Place, StoredAsset, StoredMemory, base, parse_uuid, uuid_text};
use crate::blobs::{BlobId, locator};
use crate::capsules::{access, capsule_id};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::state::State;
use crate::types::{
    DatabaseHosting, Memory, MemoryAssetData, MemoryAssetInline, MemoryAssetsList, MemoryMetadata, MemoryPresenceResult,
    MemoryUpdateData, ResourceType,
};

/// Ids that one ping answers.
const PING_MAX: usize = 1_000;
/// Memories that a capsule shows in full, and the bytes that they may take in the reply.
const FULL_MAX: usize = 100;
const FULL_BYTES: usize = 1_500_000;

/// A memory with its inline assets.
pub fn read(state: &State, call: &Call, id: &str) -> Result<Memory> {
    let (key, memory) = viewable(state, call, id)?;
    Ok(on_wire(state, key, memory))
}

/// An asset by index: inline ones first, then blobs, then external ones.
pub fn read_asset(state: &State, call: &Call, id: &str, index: u32) -> Result<MemoryAssetData> {
    let (key, memory) = viewable(state, call, id)?;
    let asset = memory.in_order().get(index as usize).map(|asset| asset_data(state, key, asset));
    asset.ok_or_else(|| Error::invalid(format!("Asset index {index} out of range")))
}

/// An asset by id.
pub fn read_asset_by_id(state: &State, call: &Call, id: &str, asset_id: &str) -> Result<MemoryAssetData> {
    let (key, memory) = viewable(state, call, id)?;
    let wanted = parse_uuid(asset_id).ok_or(Error::NotFound)?;
    let asset = memory.assets.iter().find(|asset| asset.id == wanted).ok_or(Error::NotFound)?;
    Ok(asset_data(state, key, asset))
}

/// The names of a memory's assets.
pub fn list_assets(state: &State, call: &Call, id: &str) -> Result<MemoryAssetsList> {
    let (_, memory) = viewable(state, call, id)?;
    let inline = memory.assets.iter().filter(|asset| asset.is_inline()).count();
    let keys = memory.assets.iter().filter_map(|asset| asset.as_external().map(|external| external.storage_key));
    Ok(MemoryAssetsList {
        memory_id: id.into(),
        inline_assets: (0..inline).map(|index| format!("inline_{index}")).collect(),
        internal_assets: memory.blobs().map(locator).collect(),
        external_assets: keys.collect(),
        total_count: memory.assets.len() as u32,
    })
}

/// Which of these memories the caller can see, and whether they have assets.
pub fn ping(state: &State, call: &Call, ids: Vec<String>) -> Result<Vec<MemoryPresenceResult>> {
    checks::check_ids(&ids, PING_MAX)?;
    let presence = |memory_id: String| {
        let memory = viewable(state, call, &memory_id).ok();
        let asset_present = memory.as_ref().is_some_and(|(_, memory)| !memory.assets.is_empty());
        MemoryPresenceResult { memory_id, metadata_present: memory.is_some(), asset_present }
    };
    Ok(ids.into_iter().map(presence).collect())
}

/// Changes what a memory says of itself, and who may see it.
pub fn update(state: &mut State, call: &Call, id: &str, changes: MemoryUpdateData) -> Result<Memory> {
    let may_change = if changes.access_entries.is_some() { owned } else { manageable };
    let (key, mut memory) = may_change(state, call, id)?;
    checks::check_text("name", changes.name.as_deref().unwrap_or_default())?;
    memory.metadata.title = changes.name.or(memory.metadata.title);
    if let Some(metadata) = changes.metadata {
        checks::check_memory(&metadata)?;
        let MemoryMetadata { created_by, uploaded_at, .. } = memory.metadata;
        memory.metadata = MemoryMetadata { created_by, uploaded_at, ..metadata };
    }
    if let Some(entries) = changes.access_entries {
        checks::check_entries(&entries)?;
        memory.access_entries = entries;
    }
    checks::check_whole(&memory)?;
    memory.metadata.updated_at = call.now;
    memory.refresh();
    state.memories.put(key, &memory);
    Ok(on_wire(state, key, memory))
}

/// Says whether a capsule or memory is also kept in Neon.
pub fn bind_neon(state: &mut State, call: &Call, kind: ResourceType, id: &str, bind: bool) -> Result<()> {
    match kind {
        ResourceType::Capsule => {
            let mut capsule = state.capsules.visible(id, &call.caller)?;
            (capsule.bound_to_neon, capsule.updated_at) = (bind, call.now);
            state.capsules.update(&capsule);
        }
        ResourceType::Memory => {
            let (key, mut memory) = owned(state, call, id)?;
            let edges = &mut memory.metadata.database_storage_edges;
            edges.retain(|edge| *edge != DatabaseHosting::Neon);
            edges.extend(bind.then_some(DatabaseHosting::Neon));
            memory.metadata.updated_at = call.now;
            state.memories.put(key, &memory);
        }
        ResourceType::Gallery => return Err(Error::NotFound),
    }
    Ok(())
}

/// The first memories of a capsule, as many as fit into a reply.
pub fn first_of_capsule(state: &State, capsule: u64) -> Vec<(String, Memory)> {
    let mut room = FULL_BYTES;
    let mut memories = Vec::new();
    for (key, memory) in state.memories.of_capsule(capsule, 0).take(FULL_MAX) {
        let size = crate::stored::to_bytes(&memory).len() + memory.inline_bytes() as usize;
        let Some(left) = room.checked_sub(size) else {
            break;
        };
        room = left;
        memories.push((uuid_text(&memory.id), on_wire(state, key, memory)));
    }
    memories
}

/// The id of a memory of this capsule that refers to a blob.
pub fn referring(state: &State, capsule: u64, blob: BlobId) -> Option<String> {
    let key = state.blobs.refs.of(blob).into_iter().find(|key| key.0 == capsule)?;
    state.memories.get(key).map(|memory| uuid_text(&memory.id))
}

/// Whether the caller may see the memory at this place.
pub fn may_view(state: &State, call: &Call, key: MemoryKey) -> bool {
    state.memories.get(key).is_some_and(|memory| has_right(state, call, key, &memory, access::VIEW))
}

/// The memory, for who may see it; for others there is none.
pub fn viewable(state: &State, call: &Call, id: &str) -> Result<(MemoryKey, StoredMemory)> {
    with_right(state, call, id, access::VIEW)
}

/// The memory, for who may change it; who may only see it is `Unauthorized`, for others there is none.
pub fn manageable(state: &State, call: &Call, id: &str) -> Result<(MemoryKey, StoredMemory)> {
    with_right(state, call, id, access::MANAGE)
}

/// The memory, for who may share and delete it; who may only see it is `Unauthorized`, for others there is none.
pub fn owned(state: &State, call: &Call, id: &str) -> Result<(MemoryKey, StoredMemory)> {
    with_right(state, call, id, access::OWN)
}

fn with_right(state: &State, call: &Call, id: &str, right: u32) -> Result<(MemoryKey, StoredMemory)> {
    let key = state.memories.find(id).ok_or(Error::NotFound)?;
    let memory = state.memories.get(key).ok_or(Error::NotFound)?;
    if has_right(state, call, key, &memory, right) {
        Ok((key, memory))
    } else if has_right(state, call, key, &memory, access::VIEW) {
        Err(Error::Unauthorized)
    } else {
        Err(Error::NotFound)
    }
}

fn has_right(state: &State, call: &Call, key: MemoryKey, memory: &StoredMemory, right: u32) -> bool {
    let Some(capsule) = state.capsules.get(key.0) else {
        return false;
    };
    let theirs = capsule.is_owner(&call.caller) || capsule.is_controller(&call.caller);
    theirs || access::grants(&memory.access_entries, right, &call.caller, call.now)
}

fn on_wire(state: &State, key: MemoryKey, memory: StoredMemory) -> Memory {
    let inline = |asset: &StoredAsset| MemoryAssetInline {
        asset_id: uuid_text(&asset.id),
        bytes: ByteBuf::from(state.memories.inline(key, &asset.id)),
        metadata: asset.metadata.clone(),
    };
    Memory {
        id: uuid_text(&memory.id),
        capsule_id: capsule_id(key.0),
        inline_assets: memory.assets.iter().filter(|asset| asset.is_inline()).map(inline).collect(),
        blob_internal_assets: memory.assets.iter().filter_map(StoredAsset::as_internal).collect(),
        blob_external_assets: memory.assets.iter().filter_map(StoredAsset::as_external).collect(),
        metadata: memory.metadata,
        access_entries: memory.access_entries,
    }
}

fn asset_data(state: &State, key: MemoryKey, asset: &StoredAsset) -> MemoryAssetData {
    let said = base(&asset.metadata);
    match &asset.place {
        Place::Inline { len, sha256 } => MemoryAssetData::Inline {
            bytes: ByteBuf::from(state.memories.inline(key, &asset.id)),
            content_type: said.mime_type.clone(),
            size: *len,
            sha256: Some(ByteBuf::from(sha256.to_vec())),
        },
        Place::Blob { id, len, sha256 } => {
            MemoryAssetData::InternalBlob { blob_id: locator(*id), size: *len, sha256: Some(ByteBuf::from(sha256.to_vec())) }
        }
        Place::External { storage_key, url, .. } => MemoryAssetData::ExternalUrl {
            url: url.clone().unwrap_or_else(|| storage_key.clone()),
            size: Some(said.bytes),
            sha256: said.sha256.clone(),
        },
    }
}
