//! New assets: what is checked of one, and how it gets into a memory.

use super::checks;
use super::record::{MemoryKey, Place, StoredAsset, StoredMemory};
use crate::blobs::{BlobId, blob_number};
use crate::codec::{Digest, sha256};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::state::State;
use crate::types::{AssetMetadata, InlineAssetInput, InternalBlobAssetInput};

/// An asset that is about to be added.
pub struct NewAsset {
    /// What it says of itself.
    pub metadata: AssetMetadata,
    /// Where its bytes are.
    pub place: Place,
    /// The bytes of an inline one.
    pub bytes: Option<Vec<u8>>,
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
    if let Some(blob) = stored.blob() {
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
pub fn blob_id(text: &str) -> Result<BlobId> {
    blob_number(text)
        .map_err(|_| Error::invalid(format!("Invalid blob_id format: {}", text.chars().take(100).collect::<String>())))
}

/// A blob that the caller owns; for others' blobs the answer is the same as for none.
pub fn blob_place(state: &State, call: &Call, id: BlobId) -> Result<Place> {
    let blob = state.blobs.get(id).filter(|blob| blob.owner == call.caller).ok_or(Error::NotFound)?;
    if state.blobs.refs.is_full(id) {
        return Err(Error::ResourceExhausted);
    }
    Ok(Place::Blob { id, len: blob.size, sha256: blob.sha256 })
}
