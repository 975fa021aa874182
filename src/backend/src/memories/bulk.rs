//! Making many memories in one call.

use super::create::create_with_assets;
use crate::context::Call;
use crate::error::{Result, require};
use crate::state::State;
use crate::types::{BulkCreateResult, BulkFailure, MemoryInput, MemoryMade};

/// Memories that one call makes.
const CREATE_MAX: usize = 100;

/// Makes memories from uploaded blobs and inline assets, each as a call of its own would; those that are refused are named with their
/// reason, the others are made. A repeat answers with the ids of the first time.
pub fn create_bulk(state: &mut State, call: &Call, capsule_id: &str, inputs: Vec<MemoryInput>) -> Result<BulkCreateResult> {
    require(inputs.len() <= CREATE_MAX, || format!("memories: {} items, expected at most {CREATE_MAX}", inputs.len()))?;
    state.capsules.writable(capsule_id, &call.caller)?;
    let mut result = BulkCreateResult { made: Vec::new(), failed: Vec::new() };
    for MemoryInput { metadata, blobs, inline, idem } in inputs {
        match create_with_assets(state, call, (capsule_id, &idem), metadata, blobs, inline) {
            Ok(memory_id) => result.made.push(MemoryMade { idem, memory_id }),
            Err(err) => result.failed.push(BulkFailure { id: idem, err }),
        }
    }
    Ok(result)
}
