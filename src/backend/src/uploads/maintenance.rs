//! Sessions whose time is over, and what operators may see and do.

use candid::Principal;

use super::service::Upload;
use crate::capsules::capsule_id;
use crate::context::Call;
use crate::session::{Session, SessionId};
use crate::state::State;

/// Sessions of others that a begin drops in passing when their time is over.
const SWEEP_IN_PASSING: usize = 3;
/// Sessions that one sweep drops.
const SWEEP: usize = 200;
/// Sessions that one call lists or drops.
const LISTED: usize = 5_000;

/// Drops the caller's sessions in a capsule whose time is over, and a few of others.
pub fn sweep_caller(state: &mut State, call: &Call, capsule: u64) {
    let mut expired = state.sessions.cleanup_expired_sessions_for_caller(capsule, &call.caller, call);
    expired.extend(state.sessions.cleanup_expired(SWEEP_IN_PASSING, call));
    expired.iter().for_each(|session| release(state, session));
}

/// Drops sessions whose time is over, as many as fit into one call.
pub fn sweep(state: &mut State, call: &Call) {
    let expired = state.sessions.cleanup_expired(SWEEP, call);
    expired.iter().for_each(|session| release(state, session));
}

/// Drops an open session and frees its chunks.
pub fn drop_session(state: &mut State, id: SessionId) {
    if let Some(session) = state.sessions.cleanup(id) {
        release(state, &session);
    }
}

/// Drops the open sessions of one caller in a capsule that is deleted. What is more than one call can drop ends by itself: it takes no
/// chunk any more.
pub fn drop_sessions_of(state: &mut State, capsule: u64, caller: &Principal) {
    let ids = state.sessions.open_ids_of(capsule, caller, SWEEP);
    ids.into_iter().for_each(|id| drop_session(state, id));
}

/// Drops the open sessions, as many as fit into one call; returns how many are left.
pub fn clear_all(state: &mut State, call: &Call) -> u64 {
    let ids = state.sessions.open_ids(LISTED, call);
    ids.into_iter().for_each(|id| drop_session(state, id));
    sweep(state, call);
    state.sessions.count_open(call)
}

/// The open sessions, one a line; the first ones, when there are very many.
pub fn list_text(state: &State, call: &Call) -> String {
    let ids = state.sessions.open_ids(LISTED, call);
    let lines: Vec<String> = ids.iter().filter_map(|&id| state.sessions.get(id, call)).map(|session| line(&session)).collect();
    format!("Found {} sessions:\n{}", state.sessions.count_open(call), lines.join("\n"))
}

/// How many sessions there are. Sessions that ended are not counted anywhere: a finished one lives on as a blob.
pub fn stats_text(state: &State, call: &Call) -> String {
    let open = state.sessions.count_open(call);
    format!("Total sessions: {open}, Pending: {open}, Committed: 0")
}

fn line(session: &Session<Upload>) -> String {
    let capsule = capsule_id(session.place);
    format!(
        "Session {}: caller={}, capsule={capsule}, status=Pending, created={}",
        session.id, session.caller, session.created_at
    )
}

fn release(state: &mut State, session: &Session<Upload>) {
    state.blobs.chunks.doom(session.payload.stem);
    let freed = session.received_bytes;
    state.capsules.change_usage(session.place, |usage| usage.blob_bytes = usage.blob_bytes.saturating_sub(freed));
}
