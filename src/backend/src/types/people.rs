//! People, and what they may do with a memory.

use candid::{CandidType, Deserialize, Principal};

// A person: somebody with a principal, or a name that means something elsewhere.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum PersonRef {
    Principal(Principal),
    Opaque(String),
}

// How an access entry came to be.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantSource {
    User,
    Group,
    MagicLink,
    System,
}

// The role that an access entry gives.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceRole {
    Owner,
    SuperAdmin,
    Admin,
    Member,
    Guest,
}

// Something that happens in a life and can open a memory.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AccessEvent {
    AfterDeath,
    // Years since.
    Anniversary(u32),
    // Age in years.
    Birthday(u32),
    Graduation,
    Wedding,
    // Years since the capsule was made.
    CapsuleMaturity(u32),
    // Number of connections.
    ConnectionCount(u32),
    Custom(String),
}

// When an access entry counts. Event conditions never hold by themselves: this canister knows of no events.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AccessCondition {
    Immediate,
    // From a time on.
    Scheduled { accessible_after: u64 },
    // Until a time.
    ExpiresAt { expires: u64 },
    // When something happens.
    EventTriggered { event: AccessEvent },
}

// Who may do what with a memory.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AccessEntry {
    pub id: String,
    // The person; null together with is_public means everybody.
    pub person_ref: Option<PersonRef>,
    pub is_public: bool,
    pub grant_source: GrantSource,
    pub source_id: Option<String>,
    pub role: ResourceRole,
    // Permission bits: VIEW 1, DOWNLOAD 2, SHARE 4, MANAGE 8, OWN 16 (owner = 31).
    pub perm_mask: u32,
    pub invited_by_person_ref: Option<PersonRef>,
    pub created_at: u64,
    pub updated_at: u64,
    pub condition: AccessCondition,
}
