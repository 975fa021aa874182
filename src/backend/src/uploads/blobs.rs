//! What callers can do with the blobs that uploads made.

use serde_bytes::ByteBuf;

use crate::blobs::{Blob, BlobId, blob_number, locator};
use crate::codec::Digest;
use crate::context::Call;
use crate::error::{Error, Result, require};
use crate::memories;
use crate::state::State;
use crate::types::{BlobFound, BlobMeta};

/// Largest blob that is read in one reply: replies of queries are limited to 3 MB, those of updates to 2 MB.
const WHOLE_READ_MAX: u64 = 2_000_000;
/// Hashes that one call looks up.
const FIND_MAX: usize = 1_000;
/// Blobs of equal bytes that are looked at for one of the caller's that a memory refers to.
const EQUAL_MAX: usize = 8;

/// The blob behind a locator, if the caller may read it: its owner, who owns or controls its capsule, and whoever may see a memory that
/// refers to it. For everybody else there is none.
pub fn readable(state: &State, call: &Call, locator: &str) -> Result<Blob> {
    let blob = state.blobs.get(blob_number(locator)?).ok_or(Error::NotFound)?;
    let owner = blob.owner == call.caller || state.capsules.is_writer(blob.capsule, &call.caller);
    let lets_see = || state.blobs.refs.of(blob.id).into_iter().any(|key| memories::may_view(state, call, key));
    if owner || lets_see() { Ok(blob) } else { Err(Error::NotFound) }
}

/// For each hash, in order, a blob of the caller's in this capsule that has these bytes: one that a memory refers to before a loose one.
pub fn find(state: &State, call: &Call, capsule_id: &str, hashes: &[ByteBuf]) -> Result<Vec<Option<BlobFound>>> {
    require(hashes.len() <= FIND_MAX, || format!("hashes: {} items, expected at most {FIND_MAX}", hashes.len()))?;
    let capsule = state.capsules.visible(capsule_id, &call.caller)?.number;
    let lookup = |hash: &ByteBuf| {
        let digest = Digest::try_from(hash.as_slice());
        let digest = digest.map_err(|_| Error::invalid(format!("hashes: expected 32 bytes each, got {}", hash.len())))?;
        Ok(find_one(state, call, capsule, &digest))
    };
    hashes.iter().map(lookup).collect()
}

fn find_one(state: &State, call: &Call, capsule: u64, sha256: &Digest) -> Option<BlobFound> {
    let blobs = state.blobs.with_hash(capsule, sha256, EQUAL_MAX).into_iter().filter_map(|id| state.blobs.get(id));
    let found = blobs.filter(|blob| blob.owner == call.caller).map(|blob| BlobFound {
        blob_id: locator(blob.id),
        size: blob.size,
        memory_id: memories::referring(state, capsule, blob.id),
    });
    found.max_by_key(|found| found.memory_id.is_some())
}

/// Size and chunk count.
pub fn get_meta(state: &State, call: &Call, locator: &str) -> Result<BlobMeta> {
    readable(state, call, locator).map(|blob| BlobMeta { size: blob.size, chunk_count: blob.chunks })
}

/// The whole blob, if it fits into a reply.
pub fn read(state: &State, call: &Call, locator: &str) -> Result<Vec<u8>> {
    let blob = readable(state, call, locator)?;
    let size = blob.size;
    require(size <= WHOLE_READ_MAX, || {
        format!("blob of {size} bytes is too large for one reply (at most {WHOLE_READ_MAX}): use blob_read_chunk")
    })?;
    Ok(state.blobs.read_range(&blob, 0, size as usize))
}

/// One chunk; past the end an empty one.
pub fn read_chunk(state: &State, call: &Call, locator: &str, index: u32) -> Result<Vec<u8>> {
    let blob = readable(state, call, locator)?;
    Ok(state.blobs.read_chunk(&blob, index).unwrap_or_default())
}

/// Deletes a blob of the caller's.
pub fn delete_blob(state: &mut State, call: &Call, text: &str) -> Result<String> {
    let id = number_to_delete(text)?;
    let blob = readable(state, call, text)?;
    if blob.owner != call.caller && !state.capsules.is_writer(blob.capsule, &call.caller) {
        return Err(Error::Unauthorized);
    }
    remove_blob(state, id);
    Ok("Internal blob deleted successfully".into())
}

/// Removes a blob with its bytes and the receipt of its upload.
pub fn remove_blob(state: &mut State, id: BlobId) {
    let Some(blob) = state.blobs.remove(id) else {
        return;
    };
    state.sessions.cleanup(blob.session);
    state.capsules.change_usage(blob.capsule, |usage| usage.blob_bytes = usage.blob_bytes.saturating_sub(blob.size));
}

/// Drops at most `most` blobs of a deleted capsule; returns how many. Blobs that memories elsewhere refer to stay for those.
pub fn drop_blobs_of(state: &mut State, capsule: u64, most: usize) -> usize {
    let ids = state.blobs.of_capsule(capsule, most);
    for &id in &ids {
        if state.blobs.refs.of(id).is_empty() {
            remove_blob(state, id);
        } else {
            state.blobs.orphan(id);
        }
    }
    ids.len()
}

fn number_to_delete(text: &str) -> Result<BlobId> {
    if text.starts_with("inline_") {
        return Err(Error::invalid("Inline assets cannot be deleted directly. Delete the memory, or remove the asset from it"));
    }
    if text.starts_with("external_") {
        return Err(Error::invalid("External blobs cannot be deleted via this endpoint. Delete them where they are kept"));
    }
    blob_number(text)
        .map_err(|_| Error::invalid(format!("Unknown blob type for ID: {}", text.chars().take(100).collect::<String>())))
}
