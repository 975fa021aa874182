//! People, and what they may do with a memory.

use candid::{CandidType, Deserialize, Principal};

/// A person: somebody with a principal, or a name that means something elsewhere.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum PersonRef {
    /// A principal.
    Principal(Principal),
    /// A opaque.
    Opaque(String),
}

/// How an access entry came to be.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantSource {
    /// User.
    User,
    /// Group.
    Group,
    /// Magic link.
    MagicLink,
    /// System.
    System,
}

/// The role that an access entry gives.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceRole {
    /// Owner.
    Owner,
    /// Super admin.
    SuperAdmin,
    /// Admin.
    Admin,
    /// Member.
    Member,
    /// Guest.
    Guest,
}

/// Something that happens in a life and can open a memory.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AccessEvent {
    /// After death.
    AfterDeath,
    /// Years since.
    Anniversary(u32),
    /// Age in years.
    Birthday(u32),
    /// Graduation.
    Graduation,
    /// Wedding.
    Wedding,
    /// Years since the capsule was made.
    CapsuleMaturity(u32),
    /// Number of connections.
    ConnectionCount(u32),
    /// A custom.
    Custom(String),
}

/// When an access entry counts. Event conditions never hold by themselves: this canister knows of no events.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum AccessCondition {
    /// At once.
    Immediate,
    /// From a time on.
    Scheduled {
        /// The time.
        accessible_after: u64,
    },
    /// Until a time.
    ExpiresAt {
        /// The time.
        expires: u64,
    },
    /// When something happens.
    EventTriggered {
        /// What.
        event: AccessEvent,
    },
}

/// Who may do what with a memory.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct AccessEntry {
    /// The id.
    pub id: String,
    /// The person; null together with is_public means everybody.
    pub person_ref: Option<PersonRef>,
    /// Whether it is public.
    pub is_public: bool,
    /// The grant source.
    pub grant_source: GrantSource,
    /// The source id.
    pub source_id: Option<String>,
    /// The role.
    pub role: ResourceRole,
    /// Permission bits: VIEW 1, DOWNLOAD 2, SHARE 4, MANAGE 8, OWN 16 (owner = 31).
    pub perm_mask: u32,
    /// The invited by person ref.
    pub invited_by_person_ref: Option<PersonRef>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The condition.
    pub condition: AccessCondition,
}
