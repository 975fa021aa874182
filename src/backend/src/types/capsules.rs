//! Capsules on the wire.

use candid::{CandidType, Deserialize};

use super::{AccessEntry, Memory, MemoryType, PersonRef};

/// Since when somebody owns a capsule.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct OwnerState {
    /// The since.
    pub since: u64,
    /// The last activity time.
    pub last_activity_at: u64,
}

/// Since when somebody controls a capsule, and by whose grant.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ControllerState {
    /// The granted time.
    pub granted_at: u64,
    /// The granted by.
    pub granted_by: PersonRef,
}

/// How far a connection between two people has come.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    /// Pending.
    Pending,
    /// Accepted.
    Accepted,
    /// Blocked.
    Blocked,
    /// Revoked.
    Revoked,
}

/// A connection of the capsule's subject to another person.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Connection {
    /// The peer.
    pub peer: PersonRef,
    /// The status.
    pub status: ConnectionStatus,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
}

/// A named group of connections.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ConnectionGroup {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The members.
    pub members: Vec<PersonRef>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
}

/// Where a frontend or backend runs.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendHosting {
    /// Vercel.
    Vercel,
    /// Icp.
    Icp,
}

/// Where rows are kept.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseHosting {
    /// Icp.
    Icp,
    /// Neon.
    Neon,
}

/// Where the bytes of an asset are kept.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobHosting {
    /// S3.
    S3,
    /// Vercel blob.
    VercelBlob,
    /// Icp.
    Icp,
    /// Arweave.
    Arweave,
    /// Ipfs.
    Ipfs,
    /// Neon.
    Neon,
}

/// Where the capsule's owner wants things to be kept.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HostingPreferences {
    /// The frontend hosting.
    pub frontend_hosting: BackendHosting,
    /// The backend hosting.
    pub backend_hosting: BackendHosting,
    /// The database hosting.
    pub database_hosting: DatabaseHosting,
    /// The blob hosting.
    pub blob_hosting: BlobHosting,
}

/// Who may see a memory, folder or gallery, in one word.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharingStatus {
    /// Public.
    Public,
    /// Shared.
    Shared,
    /// Private.
    Private,
}

/// What a folder or gallery says of itself.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct FolderMetadata {
    /// The title.
    pub title: Option<String>,
    /// The name.
    pub name: String,
    /// The description.
    pub description: Option<String>,
    /// The shared count.
    pub shared_count: u32,
    /// The sharing status.
    pub sharing_status: SharingStatus,
    /// The total memories.
    pub total_memories: u32,
    /// The storage location.
    pub storage_location: Vec<BlobHosting>,
}

/// A folder of memories. Part of the wire type of Capsule; this canister makes none.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Folder {
    /// The id.
    pub id: String,
    /// The capsule id.
    pub capsule_id: String,
    /// The metadata.
    pub metadata: FolderMetadata,
    /// The access entries.
    pub access_entries: Vec<AccessEntry>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
}

/// A memory's place in a gallery.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct GalleryItem {
    /// The memory id.
    pub memory_id: String,
    /// The memory type.
    pub memory_type: MemoryType,
    /// The position.
    pub position: u32,
    /// The caption.
    pub caption: Option<String>,
    /// The metadata.
    pub metadata: Vec<(String, String)>,
}

/// A gallery. Part of the wire type of Capsule; this canister makes none.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Gallery {
    /// The id.
    pub id: String,
    /// The capsule id.
    pub capsule_id: String,
    /// The metadata.
    pub metadata: FolderMetadata,
    /// The items.
    pub items: Vec<GalleryItem>,
    /// The cover memory id.
    pub cover_memory_id: Option<String>,
    /// The access entries.
    pub access_entries: Vec<AccessEntry>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
}

/// A capsule with everything in it. `memories` holds at most the first 100 memories, and fewer when they would not fit into a reply:
/// page through the rest with memories_list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Capsule {
    /// The id.
    pub id: String,
    /// The subject.
    pub subject: PersonRef,
    /// The owners.
    pub owners: Vec<(PersonRef, OwnerState)>,
    /// The controllers.
    pub controllers: Vec<(PersonRef, ControllerState)>,
    /// The connections.
    pub connections: Vec<(PersonRef, Connection)>,
    /// The connection groups.
    pub connection_groups: Vec<(String, ConnectionGroup)>,
    /// The memories.
    pub memories: Vec<(String, Memory)>,
    /// The galleries.
    pub galleries: Vec<(String, Gallery)>,
    /// The folders.
    pub folders: Vec<(String, Folder)>,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The bound to neon.
    pub bound_to_neon: bool,
    /// The inline bytes used.
    pub inline_bytes_used: u64,
    /// The has advanced settings.
    pub has_advanced_settings: bool,
    /// The hosting preferences.
    pub hosting_preferences: HostingPreferences,
}

/// A capsule in numbers, seen by the caller.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleInfo {
    /// The capsule id.
    pub capsule_id: String,
    /// The subject.
    pub subject: PersonRef,
    /// Whether it is owner.
    pub is_owner: bool,
    /// Whether it is controller.
    pub is_controller: bool,
    /// Whether it is self capsule.
    pub is_self_capsule: bool,
    /// The bound to neon.
    pub bound_to_neon: bool,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
    /// The memory count.
    pub memory_count: u64,
    /// The gallery count.
    pub gallery_count: u64,
    /// The connection count.
    pub connection_count: u64,
}

/// A capsule as a row of a list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleHeader {
    /// The id.
    pub id: String,
    /// The subject.
    pub subject: PersonRef,
    /// The owner count.
    pub owner_count: u64,
    /// The controller count.
    pub controller_count: u64,
    /// The memory count.
    pub memory_count: u64,
    /// The created time.
    pub created_at: u64,
    /// The updated time.
    pub updated_at: u64,
}

/// What may be changed of a capsule; null leaves a field as it is.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleUpdateData {
    /// The bound to neon.
    pub bound_to_neon: Option<bool>,
}

/// What capsules_bind_neon binds.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// Memory.
    Memory,
    /// Capsule.
    Capsule,
    /// Gallery.
    Gallery,
}
