//! Who may do what with a memory.
//!
//! Owners and controllers of the capsule may do everything. Others may do what an access entry lets them, if it names them and its
//! condition holds:
//!
//! | bit | lets its person |
//! |---|---|
//! | VIEW | read the memory, its assets and their bytes, and mint HTTP tokens for them |
//! | MANAGE | see, change what the memory says of itself, add and remove assets |
//! | OWN | do all that, say who else may, and delete the memory |
//!
//! DOWNLOAD and SHARE are stored and by themselves let nobody do anything. A public entry lets everybody see and do no more, whatever
//! its bits.

use candid::Principal;

use crate::types::{AccessCondition, AccessEntry, GrantSource, PersonRef, ResourceRole, SharingStatus};

/// Permission bit: see a memory and its assets.
pub const VIEW: u32 = 1;
/// Permission bit: change a memory.
pub const MANAGE: u32 = 8;
/// Permission bit: everything.
pub const OWN: u32 = 16;
/// All five permission bits: VIEW, DOWNLOAD, SHARE, MANAGE, OWN.
pub const OWNER_MASK: u32 = 31;

/// Whether one of the entries gives this principal a right, which is one of the bits.
pub fn grants(entries: &[AccessEntry], right: u32, who: &Principal, now: u64) -> bool {
    entries.iter().any(|entry| rights(entry, who) & right != 0 && holds(&entry.condition, now))
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

/// What the entries say in one word, and how many of them let somebody in besides who made the memory, as its `created_by` tells.
pub fn sharing(entries: &[AccessEntry], maker: Option<&str>) -> (SharingStatus, u32) {
    let shared = entries.iter().filter(|entry| entry.perm_mask != 0 && is_for_another(entry, maker)).count() as u32;
    let status = match (entries.iter().any(|entry| entry.is_public), shared) {
        (true, _) => SharingStatus::Public,
        (false, 0) => SharingStatus::Private,
        (false, _) => SharingStatus::Shared,
    };
    (status, shared)
}

fn is_for_another(entry: &AccessEntry, maker: Option<&str>) -> bool {
    match (&entry.person_ref, maker) {
        (None, _) => false,
        (Some(PersonRef::Principal(person)), Some(maker)) => person.to_text() != maker,
        // A memory of an older build may not tell who made it.
        (Some(_), None) => entry.role != ResourceRole::Owner,
        (Some(PersonRef::Opaque(_)), Some(_)) => true,
    }
}

fn rights(entry: &AccessEntry, who: &Principal) -> u32 {
    let named = entry.person_ref == Some(PersonRef::Principal(*who)) && *who != Principal::anonymous();
    match entry.perm_mask {
        mask if entry.is_public && !named => mask & VIEW,
        _ if !named => 0,
        mask if mask & OWN != 0 => OWNER_MASK,
        mask if mask & MANAGE != 0 => mask | VIEW,
        mask => mask,
    }
}

fn holds(condition: &AccessCondition, now: u64) -> bool {
    match condition {
        AccessCondition::Immediate => true,
        AccessCondition::Scheduled { accessible_after } => now >= *accessible_after,
        AccessCondition::ExpiresAt { expires } => now < *expires,
        AccessCondition::EventTriggered { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 100;

    fn person() -> Principal {
        Principal::from_slice(&[1])
    }

    fn entry(perm_mask: u32, is_public: bool, condition: AccessCondition) -> AccessEntry {
        AccessEntry { perm_mask, is_public, condition, ..owner_entry(person(), "id".into(), 0) }
    }

    fn granted(entry: AccessEntry, who: Principal) -> [bool; 3] {
        [VIEW, MANAGE, OWN].map(|right| grants(std::slice::from_ref(&entry), right, &who, NOW))
    }

    /// Each bit gives its right and those that it includes; DOWNLOAD and SHARE give none.
    #[test]
    fn bits_give_rights() {
        let cases = [
            (0, [false, false, false]),
            (VIEW, [true, false, false]),
            (2 | 4, [false, false, false]),
            (MANAGE, [true, true, false]),
            (OWN, [true, true, true]),
            (OWNER_MASK, [true, true, true]),
        ];
        for (mask, expected) in cases {
            assert_eq!(granted(entry(mask, false, AccessCondition::Immediate), person()), expected, "mask {mask}");
        }
    }

    /// Others get nothing, everybody gets to see what is public and no more, and the anonymous caller cannot be named.
    #[test]
    fn entries_are_for_their_person() {
        let (stranger, anonymous) = (Principal::from_slice(&[2]), Principal::anonymous());
        let named = entry(OWNER_MASK, false, AccessCondition::Immediate);
        assert_eq!(granted(named.clone(), stranger), [false; 3]);
        let public = entry(OWNER_MASK, true, AccessCondition::Immediate);
        assert_eq!(granted(public.clone(), stranger), [true, false, false]);
        assert_eq!(granted(public, anonymous), [true, false, false]);
        let anybody = AccessEntry { person_ref: Some(PersonRef::Principal(anonymous)), ..named };
        assert_eq!(granted(anybody, anonymous), [false; 3]);
    }

    /// A memory is shared when an entry lets another in, whatever role it says; who made it does not count, nor who may do nothing.
    #[test]
    fn sharing_counts_others() {
        let (maker, other) = (person(), Principal::from_slice(&[2]));
        let own = entry(OWNER_MASK, false, AccessCondition::Immediate);
        let theirs = AccessEntry { person_ref: Some(PersonRef::Principal(other)), ..own.clone() };
        let nothing = AccessEntry { perm_mask: 0, ..theirs.clone() };
        let everybody = AccessEntry { person_ref: None, is_public: true, ..own.clone() };
        let told = |entries: &[&AccessEntry]| {
            let entries: Vec<_> = entries.iter().map(|&entry| entry.clone()).collect();
            sharing(&entries, Some(&maker.to_text()))
        };
        assert_eq!(told(&[]), (SharingStatus::Private, 0));
        assert_eq!(told(&[&own, &nothing]), (SharingStatus::Private, 0));
        assert_eq!(told(&[&own, &theirs]), (SharingStatus::Shared, 1));
        assert_eq!(told(&[&own, &theirs, &everybody]), (SharingStatus::Public, 1));
        assert_eq!(sharing(&[own], None), (SharingStatus::Private, 0));
    }

    /// A condition holds from its time on, or until it; events never happen here.
    #[test]
    fn conditions_are_kept() {
        let cases = [
            (AccessCondition::Scheduled { accessible_after: NOW }, true),
            (AccessCondition::Scheduled { accessible_after: NOW + 1 }, false),
            (AccessCondition::ExpiresAt { expires: NOW + 1 }, true),
            (AccessCondition::ExpiresAt { expires: NOW }, false),
            (AccessCondition::EventTriggered { event: crate::types::AccessEvent::Wedding }, false),
        ];
        for (condition, holds) in cases {
            assert_eq!(granted(entry(VIEW, false, condition.clone()), person())[0], holds, "{condition:?}");
        }
    }
}
