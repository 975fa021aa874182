//! Adding and removing single assets.

use super::attach::{NewAsset, attach, blob_asset, inline_asset, preview};
use super::checks;
use super::idempotency;
use super::read::manageable;
use super::record::{MemoryKey, Place, StoredAsset, StoredMemory, parse_uuid, uuid_text};
use crate::blobs::locator;
use crate::codec::{self, digest};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::state::State;
use crate::stored::{Kept, to_bytes};
use crate::types::{AssetCleanupResult, AssetRemovalResult, BulkFailure, BulkResult, InlineAssetInput, InternalBlobAssetInput};
use crate::uploads;

/// Memories that one bulk call works off.
const BULK_MAX: usize = 500;

/// Adds an uploaded blob to a memory.
pub fn add_blob(state: &mut State, call: &Call, id: &str, input: InternalBlobAssetInput, idem: &str) -> Result<String> {
    checks::check_asset(&input.metadata)?;
    add(state, call, (id, idem, b"blob asset"), input, |state, input| blob_asset(state, call, input))
}

/// Adds an inline asset to a memory.
pub fn add_inline(state: &mut State, call: &Call, id: &str, input: InlineAssetInput, idem: &str) -> Result<String> {
    checks::check_asset(&input.metadata)?;
    checks::check_inline(&input.bytes)?;
    add(state, call, (id, idem, b"inline asset"), input, |_, input| inline_asset(input))
}

/// Removes an asset by id, blob locator, storage key or `inline_<index>`.
pub fn remove_asset(state: &mut State, call: &Call, id: &str, name: &str) -> Result<AssetRemovalResult> {
    remove(state, call, id, name, |memory| {
        let inline = name.strip_prefix("inline_").and_then(|index| index.parse().ok()).and_then(|index| inline_at(memory, index));
        inline.or_else(|| position(memory, |asset| has_id(asset, name) || is_called(asset, name)))
    })
}

/// Removes an asset by id.
pub fn remove_by_id(state: &mut State, call: &Call, id: &str, asset_id: &str) -> Result<AssetRemovalResult> {
    remove(state, call, id, asset_id, |memory| position(memory, |asset| has_id(asset, asset_id)))
}

/// Removes a blob asset by locator or id.
pub fn remove_internal(state: &mut State, call: &Call, id: &str, name: &str) -> Result<AssetRemovalResult> {
    let matches = |asset: &StoredAsset| asset.blob().is_some() && (has_id(asset, name) || is_called(asset, name));
    remove(state, call, id, name, |memory| position(memory, matches))
}

/// Removes an external asset by storage key or id.
pub fn remove_external(state: &mut State, call: &Call, id: &str, name: &str) -> Result<AssetRemovalResult> {
    let external = |asset: &StoredAsset| matches!(asset.place, Place::External { .. });
    let matches = |asset: &StoredAsset| external(asset) && (has_id(asset, name) || is_called(asset, name));
    remove(state, call, id, name, |memory| position(memory, matches))
}

/// Removes an inline asset by index.
pub fn remove_inline(state: &mut State, call: &Call, id: &str, index: u32) -> Result<AssetRemovalResult> {
    let (_, memory) = manageable(state, call, id)?;
    inline_at(&memory, index as usize).ok_or_else(|| Error::invalid(format!("Asset index {index} out of range")))?;
    remove(state, call, id, "", |memory| inline_at(memory, index as usize))
}

/// Removes all assets of a memory.
pub fn cleanup(state: &mut State, call: &Call, id: &str) -> Result<AssetCleanupResult> {
    let (key, mut memory) = manageable(state, call, id)?;
    let assets = std::mem::take(&mut memory.assets);
    assets.iter().for_each(|asset| detach(state, key, &memory, asset));
    store(state, call, key, &mut memory);
    let message = "Assets cleaned successfully".into();
    Ok(AssetCleanupResult { memory_id: id.into(), assets_cleaned: assets.len() as u32, message })
}

/// The same for several memories.
pub fn cleanup_bulk(state: &mut State, call: &Call, ids: Vec<String>) -> Result<BulkResult> {
    checks::check_ids(&ids, BULK_MAX)?;
    let mut result = BulkResult { ok: Vec::new(), failed: Vec::new() };
    for id in ids {
        match cleanup(state, call, &id) {
            Ok(_) => result.ok.push(id),
            Err(err) => result.failed.push(BulkFailure { id, err }),
        }
    }
    Ok(result)
}

/// Takes an asset that `memory` no longer has out of the stores; its blob goes when no memory refers to it any more.
pub fn detach(state: &mut State, key: MemoryKey, memory: &StoredMemory, asset: &StoredAsset) {
    state.memories.idempotency.forget(&asset.idem_key);
    if asset.is_inline() {
        state.memories.drop_inline(key, &asset.id);
        state.capsules.change_usage(key.0, |usage| usage.inline_bytes = usage.inline_bytes.saturating_sub(asset.size()));
    }
    if let Some(blob) = asset.blob().filter(|&blob| memory.blobs().all(|other| other != blob)) {
        state.blobs.refs.remove(blob, key);
        if state.blobs.refs.of(blob).is_empty() {
            uploads::remove_blob(state, blob);
        }
    }
}

fn add<T: Kept>(
    state: &mut State,
    call: &Call,
    (id, idem, kind): (&str, &str, &[u8]),
    input: T,
    make: impl FnOnce(&State, T) -> Result<NewAsset>,
) -> Result<String> {
    let (key, mut memory) = manageable(state, call, id)?;
    let idem_key = idempotency::asset_key(key, &call.caller, idem)?;
    let content = digest(&[kind, &to_bytes(&input)]);
    let in_candid = || digest(&[kind, &codec::to_bytes(&input)]);
    if let Some(asset) = state.memories.idempotency.find(&idem_key, &content, in_candid)? {
        return Ok(uuid_text(&asset));
    }
    let asset = make(state, input)?;
    let inline = asset.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    state.capsules.usage(key.0).check_inline(inline, &state.settings.get().quotas)?;
    let assets = [asset];
    checks::check_whole(&preview(&memory, &assets))?;

    assets.into_iter().for_each(|asset| attach(state, key, &mut memory, asset, idem_key));
    store(state, call, key, &mut memory);
    let added = memory.assets.last().map(|asset| asset.id).unwrap_or_default();
    state.memories.idempotency.remember(idem_key, content, added);
    Ok(uuid_text(&added))
}

fn remove(
    state: &mut State,
    call: &Call,
    id: &str,
    name: &str,
    find: impl FnOnce(&StoredMemory) -> Option<usize>,
) -> Result<AssetRemovalResult> {
    let (key, mut memory) = manageable(state, call, id)?;
    let at = find(&memory).ok_or(Error::NotFound)?;
    let asset = memory.assets.remove(at);
    detach(state, key, &memory, &asset);
    store(state, call, key, &mut memory);
    let kind = match asset.place {
        Place::Inline { .. } => "inline",
        Place::Blob { .. } => "internal blob",
        Place::External { .. } => "external",
    };
    let shown = if name.is_empty() { uuid_text(&asset.id) } else { name.into() };
    Ok(AssetRemovalResult {
        memory_id: id.into(),
        asset_removed: true,
        message: format!("Removed {kind} asset with ID: {shown}"),
    })
}

fn store(state: &mut State, call: &Call, key: MemoryKey, memory: &mut StoredMemory) {
    memory.metadata.updated_at = call.now;
    memory.refresh();
    state.memories.put(key, memory);
}

fn position(memory: &StoredMemory, matches: impl Fn(&StoredAsset) -> bool) -> Option<usize> {
    memory.assets.iter().position(matches)
}

fn inline_at(memory: &StoredMemory, index: usize) -> Option<usize> {
    memory.assets.iter().enumerate().filter(|(_, asset)| asset.is_inline()).nth(index).map(|(at, _)| at)
}

fn has_id(asset: &StoredAsset, id: &str) -> bool {
    parse_uuid(id) == Some(asset.id)
}

fn is_called(asset: &StoredAsset, name: &str) -> bool {
    match &asset.place {
        Place::Inline { .. } => false,
        Place::Blob { id, .. } => locator(*id) == name,
        Place::External { storage_key, .. } => storage_key == name,
    }
}
