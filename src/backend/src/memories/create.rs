//! Making memories: everything is checked, then everything is changed.

use super::attach::{NewAsset, attach, blob_asset, blob_id, blob_place, inline_asset, preview};
use super::checks;
use super::idempotency;
use super::record::{MemoryKey, Place, StoredMemory, base, uuid, uuid_text};
use super::request::{NewMemory, candid_digest, check_consistent, request_digest};
use crate::blobs::blob_number;
use crate::capsules::{CapsuleRecord, access};
use crate::codec::{self, Digest, digest, sha256};
use crate::context::Call;
use crate::error::{Error, Result, require};
use crate::state::State;
use crate::stored::to_bytes;
use crate::types::{
    AssetMetadata, BlobRef, DatabaseHosting, InlineAssetInput, InternalBlobAssetInput, MemoryMetadata, MemoryType, SharingStatus,
};

/// Makes a memory with one asset.
pub fn create(state: &mut State, call: &Call, request: NewMemory) -> Result<String> {
    check_consistent(&request)?;
    let capsule = state.capsules.writable(&request.capsule_id, &call.caller)?;
    let key = idempotency::memory_key(capsule.number, &call.caller, &request.idem)?;
    let content = request_digest(&request);
    if let Some(id) = state.memories.idempotency.find(&key, &content, || candid_digest(&request))? {
        return Ok(uuid_text(&id));
    }
    let metadata = metadata_of(call, &request.metadata);
    let asset = only_asset(state, call, request)?;
    insert(state, call, capsule, metadata, vec![asset], (key, content))
}

/// Makes a memory from uploaded blobs and inline assets.
pub fn create_with_assets(
    state: &mut State,
    call: &Call,
    (capsule_id, idem): (&str, &str),
    metadata: MemoryMetadata,
    blobs: Vec<InternalBlobAssetInput>,
    inline: Vec<InlineAssetInput>,
) -> Result<String> {
    check_assets(&metadata, &blobs, &inline)?;
    let capsule = state.capsules.writable(capsule_id, &call.caller)?;
    let key = idempotency::memory_key(capsule.number, &call.caller, idem)?;
    let content = digest(&[b"assets", &to_bytes(&metadata), &to_bytes(&blobs), &to_bytes(&inline)]);
    let in_candid = || {
        let parts = [codec::to_bytes(&metadata), codec::to_bytes(&blobs), codec::to_bytes(&inline)];
        digest(&[b"assets", &parts[0], &parts[1], &parts[2]])
    };
    if let Some(id) = state.memories.idempotency.find(&key, &content, in_candid)? {
        return Ok(uuid_text(&id));
    }
    let mut assets = blobs.into_iter().map(|input| blob_asset(state, call, input)).collect::<Result<Vec<_>>>()?;
    assets.extend(inline.into_iter().map(inline_asset).collect::<Result<Vec<_>>>()?);
    insert(state, call, capsule, metadata, assets, (key, content))
}

fn insert(
    state: &mut State,
    call: &Call,
    mut capsule: CapsuleRecord,
    metadata: MemoryMetadata,
    assets: Vec<NewAsset>,
    (idem_key, content): (Digest, Digest),
) -> Result<String> {
    let key = MemoryKey(capsule.number, capsule.memories_made);
    let mut memory = blank(state, call, key, metadata, idem_key);
    checks::check_whole(&preview(&memory, &assets))?;
    let usage = state.capsules.usage(capsule.number);
    usage.check_memory(&state.settings.get().quotas)?;
    let inline = assets.iter().filter_map(|asset| asset.bytes.as_ref()).map(|bytes| bytes.len() as u64).sum();
    usage.check_inline(inline, &state.settings.get().quotas)?;

    capsule.memories_made += 1;
    state.capsules.update(&capsule);
    state.capsules.change_usage(capsule.number, |usage| usage.memories += 1);
    assets.into_iter().for_each(|asset| attach(state, key, &mut memory, asset, [0; 32]));
    memory.refresh();
    state.memories.put(key, &memory);
    state.memories.idempotency.remember(idem_key, content, memory.id);
    Ok(uuid_text(&memory.id))
}

/// A memory without assets. Who made it and when is what this call tells, not what its metadata says.
fn blank(state: &State, call: &Call, key: MemoryKey, metadata: MemoryMetadata, idem_key: Digest) -> StoredMemory {
    let made_by = Some(call.caller.to_text());
    let metadata = MemoryMetadata { created_by: made_by, uploaded_at: call.now, updated_at: call.now, ..metadata };
    let secret = state.settings.get().seed.key("memory");
    let id = uuid(&[b"memory", &secret, &key.0.to_be_bytes(), &key.1.to_be_bytes()]);
    let entry = access::owner_entry(call.caller, uuid_text(&uuid(&[b"owner entry", &id])), call.now);
    StoredMemory { id, metadata, access_entries: vec![entry], assets: Vec::new(), assets_made: 0, idem_key }
}

fn check_assets(metadata: &MemoryMetadata, blobs: &[InternalBlobAssetInput], inline: &[InlineAssetInput]) -> Result<()> {
    require(!blobs.is_empty(), || "At least one internal blob asset is required".into())?;
    let count = blobs.len() + inline.len();
    require(count <= checks::MAX_ASSETS, || format!("assets: {count} items, expected at most {}", checks::MAX_ASSETS))?;
    checks::check_memory(metadata)?;
    blobs.iter().try_for_each(|input| checks::check_asset(&input.metadata).and_then(|()| blob_id(&input.blob_id).map(|_| ())))?;
    inline.iter().try_for_each(|input| checks::check_asset(&input.metadata).and_then(|()| checks::check_inline(&input.bytes)))
}

fn only_asset(state: &State, call: &Call, request: NewMemory) -> Result<NewAsset> {
    let metadata = request.metadata;
    let place = match (&request.bytes, &request.blob_ref, request.external_location) {
        (Some(bytes), _, _) => Place::Inline { len: bytes.len() as u64, sha256: sha256(bytes) },
        (_, Some(blob), _) => referenced(state, call, blob, &metadata)?,
        (_, _, Some(location)) => {
            Place::External { location, storage_key: request.external_storage_key.unwrap_or_default(), url: request.external_url }
        }
        (None, None, None) => return Err(Error::Internal("bug: consistency was not checked".into())),
    };
    Ok(NewAsset { metadata, place, bytes: request.bytes })
}

fn referenced(state: &State, call: &Call, blob: &BlobRef, metadata: &AssetMetadata) -> Result<Place> {
    let place = blob_place(state, call, blob_number(&blob.locator)?)?;
    if let Place::Blob { len, sha256, .. } = &place {
        require(blob.len == *len, || format!("blob_ref.len: says {}, the blob has {len}", blob.len))?;
        let right = blob.hash.as_ref().is_none_or(|hash| hash.as_slice() == sha256);
        require(right, || "blob_ref.hash: is not the hash of the blob".into())?;
        checks::check_truth(metadata, *len, sha256, false)?;
    }
    Ok(place)
}

/// The metadata of a memory that is made from one asset.
fn metadata_of(call: &Call, asset: &AssetMetadata) -> MemoryMetadata {
    let said = base(asset);
    MemoryMetadata {
        memory_type: memory_type(asset),
        title: Some(said.name.clone()),
        description: said.description.clone(),
        content_type: said.mime_type.clone(),
        created_at: call.now,
        updated_at: call.now,
        uploaded_at: call.now,
        date_of_memory: None,
        file_created_at: None,
        parent_folder_id: None,
        tags: said.tags.clone(),
        deleted_at: None,
        people_in_memory: None,
        location: None,
        memory_notes: None,
        created_by: Some(call.caller.to_text()),
        database_storage_edges: vec![DatabaseHosting::Icp],
        shared_count: 0,
        sharing_status: SharingStatus::Private,
        total_size: 0,
        asset_count: 0,
    }
}

fn memory_type(asset: &AssetMetadata) -> MemoryType {
    match asset {
        AssetMetadata::Image(_) => MemoryType::Image,
        AssetMetadata::Video(_) => MemoryType::Video,
        AssetMetadata::Audio(_) => MemoryType::Audio,
        AssetMetadata::Document(_) => MemoryType::Document,
        AssetMetadata::Note(_) => MemoryType::Note,
    }
}
