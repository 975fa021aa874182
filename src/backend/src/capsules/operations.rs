//! What callers can do with capsules.

use super::record::CapsuleRecord;
use crate::context::Call;
use crate::error::{Error, Result, require};
use crate::memories;
use crate::state::State;
use crate::types::{Capsule, CapsuleHeader, CapsuleInfo, CapsuleUpdateData, PersonRef};
use crate::uploads;

const MAX_SUBJECT_BYTES: usize = 1_024;
/// Things that one message frees of deleted capsules.
const PURGE_STEPS: usize = 200;

/// With no subject the caller's own capsule, made when there is none; with a subject always a new one.
pub fn create(state: &mut State, call: &Call, subject: Option<PersonRef>) -> Result<Capsule> {
    call.require_someone()?;
    check_subject(subject.as_ref())?;
    match (subject, state.capsules.own(&call.caller)) {
        (None, Some(own)) => Ok(touch(state, call, own)),
        (None, _) => insert(state, call, PersonRef::Principal(call.caller)),
        (Some(subject), _) => insert(state, call, subject),
    }
}

/// A capsule in numbers.
pub fn read_basic(state: &State, call: &Call, id: Option<&str>) -> Result<CapsuleInfo> {
    let capsule = find(state, call, id)?;
    Ok(capsule.info(&call.caller, &state.capsules.usage(capsule.number)))
}

/// A capsule with its first memories.
pub fn read_full(state: &State, call: &Call, id: Option<&str>) -> Result<Capsule> {
    find(state, call, id).map(|capsule| full(state, &capsule))
}

/// The capsules of the caller.
pub fn list(state: &State, call: &Call) -> Vec<CapsuleHeader> {
    let capsules = state.capsules.of_person(&call.caller);
    capsules.iter().map(|capsule| capsule.header(&state.capsules.usage(capsule.number))).collect()
}

/// Changes a capsule.
pub fn update(state: &mut State, call: &Call, id: &str, changes: &CapsuleUpdateData) -> Result<Capsule> {
    let mut capsule = state.capsules.visible(id, &call.caller)?;
    capsule.bound_to_neon = changes.bound_to_neon.unwrap_or(capsule.bound_to_neon);
    capsule.updated_at = call.now;
    state.capsules.update(&capsule);
    Ok(full(state, &capsule))
}

/// Deletes a capsule. It is gone for everybody at once; what it holds is freed by `purge`.
pub fn delete(state: &mut State, call: &Call, id: &str) -> Result<()> {
    let capsule = state.capsules.visible(id, &call.caller)?;
    for (person, _) in &capsule.owners {
        if let PersonRef::Principal(owner) = person {
            uploads::drop_sessions_of(state, capsule.number, owner);
            state.capsules.remove(&capsule, owner);
        }
    }
    Ok(())
}

/// Frees things of deleted capsules, as many as fit into one message.
pub fn purge(state: &mut State) {
    let mut steps = PURGE_STEPS;
    while let Some(number) = state.capsules.next_doomed().filter(|_| steps > 0) {
        steps -= memories::drop_of_capsule(state, number, steps);
        steps -= uploads::drop_blobs_of(state, number, steps);
        if steps > 0 {
            state.capsules.change_usage(number, |usage| *usage = Default::default());
            state.capsules.forget_doomed(number);
        }
    }
}

fn check_subject(subject: Option<&PersonRef>) -> Result<()> {
    let Some(PersonRef::Opaque(name)) = subject else {
        return Ok(());
    };
    let len = name.len();
    require(len <= MAX_SUBJECT_BYTES, || format!("subject: {len} bytes, expected at most {MAX_SUBJECT_BYTES}"))
}

fn insert(state: &mut State, call: &Call, subject: PersonRef) -> Result<Capsule> {
    let quota = state.settings.get().quotas.capsules_per_principal as usize;
    if state.capsules.count_of_person(&call.caller) >= quota {
        return Err(Error::ResourceExhausted);
    }
    let number = state.settings.change(|settings| settings.capsules.next("capsule", &settings.seed));
    let capsule = CapsuleRecord::new(number, subject, call.caller, call.now);
    state.capsules.insert(&capsule, &call.caller);
    Ok(full(state, &capsule))
}

/// Notes that the owner was here; answers with the capsule as it was.
fn touch(state: &mut State, call: &Call, capsule: CapsuleRecord) -> Capsule {
    let before = full(state, &capsule);
    let mut touched = capsule;
    touched.updated_at = call.now;
    touched.owners.iter_mut().for_each(|(_, owner)| owner.last_activity_at = call.now);
    state.capsules.update(&touched);
    before
}

fn find(state: &State, call: &Call, id: Option<&str>) -> Result<CapsuleRecord> {
    match id {
        Some(id) => state.capsules.visible(id, &call.caller),
        None => state.capsules.own(&call.caller).ok_or(Error::NotFound),
    }
}

fn full(state: &State, capsule: &CapsuleRecord) -> Capsule {
    let usage = state.capsules.usage(capsule.number);
    capsule.full(&usage, memories::first_of_capsule(state, capsule.number))
}
