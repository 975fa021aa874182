//! Deleting memories, with their blobs or keeping them.

use super::assets::detach;
use super::checks;
use super::read::owned;
use super::record::{MemoryKey, StoredMemory};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::state::State;
use crate::types::BulkDeleteResult;

/// Memories that one bulk call works off.
const BULK_MAX: usize = 500;

/// Deletes one memory.
pub fn delete(state: &mut State, call: &Call, id: &str, delete_assets: bool) -> Result<()> {
    let (key, memory) = owned(state, call, id)?;
    remove(state, key, memory, delete_assets);
    Ok(())
}

/// Deletes memories of one capsule; each failure is counted and named, the others are done.
pub fn delete_bulk(
    state: &mut State,
    call: &Call,
    capsule_id: &str,
    ids: Vec<String>,
    delete_assets: bool,
) -> Result<BulkDeleteResult> {
    checks::check_ids(&ids, BULK_MAX)?;
    let capsule = state.capsules.writable(capsule_id, &call.caller)?.number;
    let mut failures = Vec::new();
    for id in &ids {
        if let Err(error) = delete_in(state, call, capsule, id, delete_assets) {
            failures.push(format!("Failed to delete {}: {error}", id.chars().take(100).collect::<String>()));
        }
    }
    Ok(report(ids.len() - failures.len(), &failures))
}

/// Deletes the memories of one capsule, as many as fit into one call.
pub fn delete_all(state: &mut State, call: &Call, capsule_id: &str, delete_assets: bool) -> Result<BulkDeleteResult> {
    let capsule = state.capsules.writable(capsule_id, &call.caller)?.number;
    let deleted = drop_some(state, capsule, BULK_MAX, delete_assets);
    let left = state.capsules.usage(capsule).memories;
    let mut result = report(deleted, &[]);
    if left > 0 {
        result.message = format!("{}; {left} are left, call again", result.message);
    }
    Ok(result)
}

/// Drops at most `most` memories of a deleted capsule with their blobs; returns how many.
pub fn drop_of_capsule(state: &mut State, capsule: u64, most: usize) -> usize {
    drop_some(state, capsule, most, true)
}

fn drop_some(state: &mut State, capsule: u64, most: usize, delete_assets: bool) -> usize {
    let memories: Vec<_> = state.memories.of_capsule(capsule, 0).take(most).collect();
    let count = memories.len();
    memories.into_iter().for_each(|(key, memory)| remove(state, key, memory, delete_assets));
    count
}

fn delete_in(state: &mut State, call: &Call, capsule: u64, id: &str, delete_assets: bool) -> Result<()> {
    match state.memories.find(id) {
        Some(key) if key.0 == capsule => delete(state, call, id, delete_assets),
        _ => Err(Error::NotFound),
    }
}

/// Nothing here can fail: what is checked is checked before.
fn remove(state: &mut State, key: MemoryKey, mut memory: StoredMemory, delete_assets: bool) {
    state.memories.remove(key, &memory);
    state.capsules.change_usage(key.0, |usage| usage.memories = usage.memories.saturating_sub(1));
    let kept = !delete_assets;
    let assets = std::mem::take(&mut memory.assets);
    for asset in &assets {
        match asset.blob() {
            Some(blob) if kept => state.blobs.refs.remove(blob, key),
            _ => detach(state, key, &memory, asset),
        }
    }
}

fn report(deleted: usize, failures: &[String]) -> BulkDeleteResult {
    let message = match failures.len() {
        0 => format!("Successfully deleted {deleted} memories"),
        failed => format!("Deleted {deleted} memories, {failed} failed: {}", failures.join(", ")),
    };
    BulkDeleteResult { deleted_count: deleted as u32, failed_count: failures.len() as u32, message }
}
