//! Who may see a memory.
//!
//! Owners and controllers of the capsule may do everything. Others may see what an access entry lets them see: the entry names them (or
//! is public), has the VIEW bit, and its condition holds. Nobody but owners and controllers writes.

use candid::Principal;

use crate::types::{AccessCondition, AccessEntry, GrantSource, PersonRef, ResourceRole, SharingStatus};

/// Permission bit: see a memory and its assets.
pub const VIEW: u32 = 1;
/// All five permission bits: VIEW, DOWNLOAD, SHARE, MANAGE, OWN.
pub const OWNER_MASK: u32 = 31;

/// Whether one of the entries lets this principal see.
pub fn lets_view(entries: &[AccessEntry], who: &Principal, now: u64) -> bool {
    entries.iter().any(|entry| entry.perm_mask & VIEW != 0 && names(entry, who) && holds(&entry.condition, now))
}

/// The entry that a new memory has.
pub fn owner_entry(owner: Principal, id: String, now: u64) -> AccessEntry {
    AccessEntry {
        id,
        person_ref: Some(PersonRef::Principal(owner)),
        is_public: false,
        grant_source: GrantSource::User,
        source_id: None,
        role: ResourceRole::Owner,
        perm_mask: OWNER_MASK,
        invited_by_person_ref: None,
        created_at: now,
        updated_at: now,
        condition: AccessCondition::Immediate,
    }
}

/// What the entries say in one word, and with how many people a memory is shared.
pub fn sharing(entries: &[AccessEntry]) -> (SharingStatus, u32) {
    let shared = entries.iter().filter(|entry| entry.role != ResourceRole::Owner && entry.person_ref.is_some()).count() as u32;
    let status = match (entries.iter().any(|entry| entry.is_public), shared) {
        (true, _) => SharingStatus::Public,
        (false, 0) => SharingStatus::Private,
        (false, _) => SharingStatus::Shared,
    };
    (status, shared)
}

fn names(entry: &AccessEntry, who: &Principal) -> bool {
    let named = entry.person_ref == Some(PersonRef::Principal(*who)) && *who != Principal::anonymous();
    entry.is_public || named
}

fn holds(condition: &AccessCondition, now: u64) -> bool {
    match condition {
        AccessCondition::Immediate => true,
        AccessCondition::Scheduled { accessible_after } => now >= *accessible_after,
        AccessCondition::ExpiresAt { expires } => now < *expires,
        AccessCondition::EventTriggered { .. } => false,
    }
}
