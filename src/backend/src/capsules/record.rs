//! What is kept of a capsule, and its id.

use candid::{CandidType, Deserialize, Principal};

use crate::types::{BackendHosting, BlobHosting, Capsule, DatabaseHosting, Memory};
use crate::types::{CapsuleHeader, CapsuleInfo, ControllerState, HostingPreferences, OwnerState, PersonRef};

use super::quota::Usage;
use crate::stored::layout;

/// A capsule; its memories and what they use are kept elsewhere.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleRecord {
    /// Its number, as in its id.
    pub number: u64,
    /// Whom it is about.
    pub subject: PersonRef,
    /// Who owns it.
    pub owners: Vec<(PersonRef, OwnerState)>,
    /// Who controls it for its owners.
    pub controllers: Vec<(PersonRef, ControllerState)>,
    /// When it was made.
    pub created_at: u64,
    /// When it was changed.
    pub updated_at: u64,
    /// Whether it is also kept in Neon.
    pub bound_to_neon: bool,
    /// How many memories it ever had: the number of the next one.
    pub memories_made: u64,
}

layout!(CapsuleRecord { number, subject, owners, controllers, created_at, updated_at, bound_to_neon, memories_made });

/// The id of the capsule with this number.
pub fn capsule_id(number: u64) -> String {
    format!("capsule_{number}")
}

/// The number in a capsule's id; only the form that `capsule_id` writes is one.
pub fn capsule_number(id: &str) -> Option<u64> {
    let number = id.strip_prefix("capsule_")?.parse().ok()?;
    (capsule_id(number) == id).then_some(number)
}

impl CapsuleRecord {
    /// A new capsule with one owner.
    pub fn new(number: u64, subject: PersonRef, owner: Principal, now: u64) -> Self {
        let state = OwnerState { since: now, last_activity_at: now };
        Self {
            number,
            subject,
            owners: vec![(PersonRef::Principal(owner), state)],
            controllers: Vec::new(),
            created_at: now,
            updated_at: now,
            bound_to_neon: false,
            memories_made: 0,
        }
    }

    /// Its id.
    pub fn id(&self) -> String {
        capsule_id(self.number)
    }

    /// Whether this principal owns it.
    pub fn is_owner(&self, who: &Principal) -> bool {
        self.owners.iter().any(|(person, _)| *person == PersonRef::Principal(*who))
    }

    /// Whether this principal controls it.
    pub fn is_controller(&self, who: &Principal) -> bool {
        self.controllers.iter().any(|(person, _)| *person == PersonRef::Principal(*who))
    }

    /// Whether this principal is its subject.
    pub fn is_about(&self, who: &Principal) -> bool {
        self.subject == PersonRef::Principal(*who)
    }

    /// The capsule in numbers.
    pub fn info(&self, caller: &Principal, usage: &Usage) -> CapsuleInfo {
        CapsuleInfo {
            capsule_id: self.id(),
            subject: self.subject.clone(),
            is_owner: self.is_owner(caller),
            is_controller: self.is_controller(caller),
            is_self_capsule: self.is_about(caller),
            bound_to_neon: self.bound_to_neon,
            created_at: self.created_at,
            updated_at: self.updated_at,
            memory_count: usage.memories,
            gallery_count: 0,
            connection_count: 0,
        }
    }

    /// The capsule as a row of a list.
    pub fn header(&self, usage: &Usage) -> CapsuleHeader {
        CapsuleHeader {
            id: self.id(),
            subject: self.subject.clone(),
            owner_count: self.owners.len() as u64,
            controller_count: self.controllers.len() as u64,
            memory_count: usage.memories,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The capsule with these memories.
    pub fn full(&self, usage: &Usage, memories: Vec<(String, Memory)>) -> Capsule {
        Capsule {
            id: self.id(),
            subject: self.subject.clone(),
            owners: self.owners.clone(),
            controllers: self.controllers.clone(),
            connections: Vec::new(),
            connection_groups: Vec::new(),
            memories,
            galleries: Vec::new(),
            folders: Vec::new(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            bound_to_neon: self.bound_to_neon,
            inline_bytes_used: usage.inline_bytes,
            has_advanced_settings: true,
            hosting_preferences: HostingPreferences {
                frontend_hosting: BackendHosting::Icp,
                backend_hosting: BackendHosting::Icp,
                database_hosting: DatabaseHosting::Icp,
                blob_hosting: BlobHosting::Icp,
            },
        }
    }
}
