//! Sessions whose time is over, and what operators may see and do.

use super::service::Upload;
use crate::capsules::capsule_id;
use crate::context::Call;
use crate::session::{Session, SessionId};
use crate::state::State;

/// Sessions of others that a begin drops in passing when their time is over.
const SWEEP_IN_PASSING: usize = 3;
/// Sessions that one sweep drops.
const SWEEP: usize = 200;
/// Most sessions that are counted or listed.
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

/// Drops at most `most` sessions of a deleted capsule; returns how many.
pub fn drop_sessions_of(state: &mut State, capsule: u64, most: usize) -> usize {
    let ids = state.sessions.open_ids_in(capsule, most);
    ids.iter().for_each(|&id| drop_session(state, id));
    ids.len()
}

/// Drops all open sessions.
pub fn clear_all(state: &mut State, call: &Call) {
    sweep(state, call);
    let ids = state.sessions.open_ids(LISTED, call);
    ids.into_iter().for_each(|id| drop_session(state, id));
}

/// The open sessions, one a line.
pub fn list_text(state: &State, call: &Call) -> String {
    let ids = state.sessions.open_ids(LISTED, call);
    let lines: Vec<String> = ids.iter().filter_map(|&id| state.sessions.get(id, call)).map(|session| line(&session)).collect();
    format!("Found {} sessions:\n{}", lines.len(), lines.join("\n"))
}

/// How many sessions there are. Sessions that ended are not counted anywhere: a finished one lives on as a blob.
pub fn stats_text(state: &State, call: &Call) -> String {
    let open = state.sessions.open_ids(LISTED, call).len();
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
    let freed = state.blobs.drop_chunks(&session.payload.stem);
    state.capsules.change_usage(session.place, |usage| usage.blob_bytes = usage.blob_bytes.saturating_sub(freed));
}
