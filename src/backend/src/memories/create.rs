//! Making memories: everything is checked, then everything is changed.

use super::checks;
use super::idempotency;
use super::record::{MemoryKey, Place, StoredAsset, StoredMemory, base, uuid, uuid_text};
use crate::blobs::{BlobId, blob_number};
use crate::capsules::{CapsuleRecord, access};
use crate::codec::{Digest, digest, sha256, to_bytes};
use crate::context::Call;
use crate::error::{Error, Result, require};
use crate::faults;
use crate::state::State;
use crate::types::{
    AssetMetadata, BlobHosting, BlobRef, DatabaseHosting, InlineAssetInput, InternalBlobAssetInput, MemoryMetadata, MemoryType,
    SharingStatus,
};

/// The arguments of `memories_create`.
#[derive(Clone, Debug)]
pub struct NewMemory {
    /// The capsule that gets the memory.
    pub capsule_id: String,
    /// Inline bytes.
    pub bytes: Option<Vec<u8>>,
    /// Or a blob of this canister.
    pub blob_ref: Option<BlobRef>,
    /// Or a place elsewhere.
    pub external_location: Option<BlobHosting>,
    /// Name at that place.
    pub external_storage_key: Option<String>,
    /// Address of that place.
    pub external_url: Option<String>,
    /// Size there.
    pub external_size: Option<u64>,
    /// Hash there.
    pub external_hash: Option<Vec<u8>>,
    /// What the asset says of itself.
    pub metadata: AssetMetadata,
    /// The caller's name for this request.
    pub idem: String,
}

/// Where an asset outside is: place, name, address, size and hash there.
pub type External = (Option<BlobHosting>, Option<String>, Option<String>, Option<u64>, Option<Vec<u8>>);

impl NewMemory {
    /// The request in the order of the method's arguments.
    pub fn new(
        (capsule_id, idem): (String, String),
        bytes: Option<Vec<u8>>,
        blob_ref: Option<BlobRef>,
        external: External,
        metadata: AssetMetadata,
    ) -> Self {
        let (external_location, external_storage_key, external_url, external_size, external_hash) = external;
        Self {
            capsule_id,
            bytes,
            blob_ref,
            external_location,
            external_storage_key,
            external_url,
            external_size,
            external_hash,
            metadata,
            idem,
        }
    }
}

/// An asset that is about to be added.
pub struct NewAsset {
    /// What it says of itself.
    pub metadata: AssetMetadata,
    /// Where its bytes are.
    pub place: Place,
    /// The bytes of an inline one.
    pub bytes: Option<Vec<u8>>,
}

/// Makes a memory with one asset.
pub fn create(state: &mut State, call: &Call, request: NewMemory) -> Result<String> {
    check_consistent(&request)?;
    let capsule = state.capsules.writable(&request.capsule_id, &call.caller)?;
    let key = idempotency::memory_key(capsule.number, &call.caller, &request.idem)?;
    let content = request_digest(&request);
    if let Some(id) = state.memories.idempotency.find(&key, &content)? {
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
    if let Some(id) = state.memories.idempotency.find(&key, &content)? {
        return Ok(uuid_text(&id));
    }
    let mut metadata = metadata;
    if faults::date_dropped() {
        metadata.date_of_memory = None;
    }
    let mut assets = blobs.into_iter().map(|input| blob_asset(state, call, input)).collect::<Result<Vec<_>>>()?;
    assets.extend(inline.into_iter().map(inline_asset).collect::<Result<Vec<_>>>()?);
    insert(state, call, capsule, metadata, assets, (key, content))
}

/// An asset from an uploaded blob of the caller's.
pub fn blob_asset(state: &State, call: &Call, input: InternalBlobAssetInput) -> Result<NewAsset> {
    let place = blob_place(state, call, blob_id(&input.blob_id)?)?;
    if let Place::Blob { len, sha256, .. } = &place {
        checks::check_truth(&input.metadata, *len, sha256, true)?;
    }
    Ok(NewAsset { metadata: input.metadata, place, bytes: None })
}

/// An asset that is kept inline.
pub fn inline_asset(input: InlineAssetInput) -> Result<NewAsset> {
    let place = Place::Inline { len: input.bytes.len() as u64, sha256: sha256(&input.bytes) };
    if let Place::Inline { len, sha256 } = &place {
        checks::check_truth(&input.metadata, *len, sha256, true)?;
    }
    Ok(NewAsset { metadata: input.metadata, place, bytes: Some(input.bytes.into_vec()) })
}

/// Puts a new asset into a memory that is about to be stored, its bytes and its reference into the stores.
pub fn attach(state: &mut State, key: MemoryKey, memory: &mut StoredMemory, asset: NewAsset, idem_key: Digest) {
    let stored = StoredAsset { id: memory.next_asset_id(), metadata: asset.metadata, place: asset.place, idem_key };
    if let Some(bytes) = asset.bytes {
        state.capsules.change_usage(key.0, |usage| usage.inline_bytes += bytes.len() as u64);
        state.memories.put_inline(key, stored.id, bytes);
    }
    if let Some(blob) = stored.blob().filter(|_| !faults::reference_not_counted()) {
        state.blobs.refs.add(blob, key);
    }
    memory.assets.push(stored);
}

/// A memory as it would be with these assets, to check it as a whole before anything is changed.
pub fn preview(memory: &StoredMemory, assets: &[NewAsset]) -> StoredMemory {
    let mut preview = memory.clone();
    preview.assets.extend(assets.iter().map(|asset| StoredAsset {
        id: [0; 16],
        metadata: asset.metadata.clone(),
        place: asset.place.clone(),
        idem_key: [0; 32],
    }));
    preview
}

/// The number in a blob id of an asset input.
fn blob_id(text: &str) -> Result<BlobId> {
    blob_number(text)
        .map_err(|_| Error::invalid(format!("Invalid blob_id format: {}", text.chars().take(100).collect::<String>())))
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
    if faults::every_memory_searched() && state.memories.count() == usize::MAX {
        return Err(Error::ResourceExhausted);
    }
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

fn blank(state: &State, call: &Call, key: MemoryKey, metadata: MemoryMetadata, idem_key: Digest) -> StoredMemory {
    let secret = state.settings.get().seed.key("memory");
    let id = uuid(&[b"memory", &secret, &key.0.to_be_bytes(), &key.1.to_be_bytes()]);
    let entry = access::owner_entry(call.caller, uuid_text(&uuid(&[b"owner entry", &id])), call.now);
    StoredMemory { id, metadata, access_entries: vec![entry], assets: Vec::new(), assets_made: 0, idem_key }
}

fn check_consistent(request: &NewMemory) -> Result<()> {
    let kinds = [request.bytes.is_some(), request.blob_ref.is_some(), request.external_location.is_some()];
    let given = kinds.iter().filter(|&&given| given).count();
    require(given == 1 || faults::asset_kinds_unchecked() && given > 0, || {
        "Exactly one asset type must be provided: bytes, blob_ref, or external_location".into()
    })?;
    checks::check_asset(&request.metadata)?;
    checks::check_hash(
        "blob_ref.hash",
        request.blob_ref.as_ref().and_then(|blob| blob.hash.as_ref()).map(|hash| hash.as_slice()),
    )?;
    checks::check_hash("external_hash", request.external_hash.as_deref())?;
    let said = base(&request.metadata);
    if let Some(bytes) = &request.bytes {
        require(bytes.len() as u64 == said.bytes, || "inline bytes_len != metadata.base.bytes".into())?;
        checks::check_inline(bytes)?;
        checks::check_truth(&request.metadata, bytes.len() as u64, &sha256(bytes), false)?;
    }
    if let Some(blob) = &request.blob_ref {
        require(blob.len == said.bytes, || "blob_ref.len != metadata.base.bytes".into())?;
    }
    if request.external_location.is_some() { check_external(request) } else { Ok(()) }
}

fn check_external(request: &NewMemory) -> Result<()> {
    let said = base(&request.metadata);
    let key = request.external_storage_key.as_deref().unwrap_or_default();
    require(!key.is_empty(), || "external_storage_key is required".into())?;
    checks::check_text("external_storage_key", key)?;
    checks::check_text("external_url", request.external_url.as_deref().unwrap_or_default())?;
    require(request.external_size.is_none_or(|size| size == said.bytes), || "external_size != metadata.base.bytes".into())?;
    let same = match (&request.external_hash, &said.sha256) {
        (Some(told), Some(said)) => told.as_slice() == said.as_slice(),
        _ => true,
    };
    require(same, || "external_hash != metadata.base.sha256".into())
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

/// A blob that the caller owns; for others' blobs the answer is the same as for none.
fn blob_place(state: &State, call: &Call, id: BlobId) -> Result<Place> {
    let blob = state
        .blobs
        .get(id)
        .filter(|blob| blob.owner == call.caller || faults::foreign_blob_remembered())
        .ok_or(Error::NotFound)?;
    if state.blobs.refs.is_full(id) {
        return Err(Error::ResourceExhausted);
    }
    Ok(Place::Blob { id, len: blob.size, sha256: blob.sha256 })
}

fn request_digest(request: &NewMemory) -> Digest {
    let place = (&request.blob_ref, &request.external_location, &request.external_storage_key, &request.external_url);
    let bytes = request.bytes.as_deref().map(sha256);
    let told = (request.external_size, &request.external_hash);
    digest(&[b"one asset", &to_bytes(&place), &to_bytes(&bytes), &to_bytes(&told), &to_bytes(&request.metadata)])
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
