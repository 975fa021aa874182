//! Capsules on the wire.

use candid::{CandidType, Deserialize};

use super::{AccessEntry, Memory, MemoryType, PersonRef};

// Since when somebody owns a capsule.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct OwnerState {
    pub since: u64,
    pub last_activity_at: u64,
}

// Since when somebody controls a capsule, and by whose grant.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ControllerState {
    pub granted_at: u64,
    pub granted_by: PersonRef,
}

// How far a connection between two people has come.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionStatus {
    Pending,
    Accepted,
    Blocked,
    Revoked,
}

// A connection of the capsule's subject to another person.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Connection {
    pub peer: PersonRef,
    pub status: ConnectionStatus,
    pub created_at: u64,
    pub updated_at: u64,
}

// A named group of connections.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct ConnectionGroup {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub members: Vec<PersonRef>,
    pub created_at: u64,
    pub updated_at: u64,
}

// Where a frontend or backend runs.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendHosting {
    Vercel,
    Icp,
}

// Where rows are kept.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseHosting {
    Icp,
    Neon,
}

// Where the bytes of an asset are kept.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobHosting {
    S3,
    VercelBlob,
    Icp,
    Arweave,
    Ipfs,
    Neon,
}

// Where the capsule's owner wants things to be kept.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HostingPreferences {
    pub frontend_hosting: BackendHosting,
    pub backend_hosting: BackendHosting,
    pub database_hosting: DatabaseHosting,
    pub blob_hosting: BlobHosting,
}

// Who may see a memory, folder or gallery, in one word.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharingStatus {
    Public,
    Shared,
    Private,
}

// What a folder or gallery says of itself.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct FolderMetadata {
    pub title: Option<String>,
    pub name: String,
    pub description: Option<String>,
    pub shared_count: u32,
    pub sharing_status: SharingStatus,
    pub total_memories: u32,
    pub storage_location: Vec<BlobHosting>,
}

// A folder of memories. Part of the wire type of Capsule; this canister makes none.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Folder {
    pub id: String,
    pub capsule_id: String,
    pub metadata: FolderMetadata,
    pub access_entries: Vec<AccessEntry>,
    pub created_at: u64,
    pub updated_at: u64,
}

// A memory's place in a gallery.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct GalleryItem {
    pub memory_id: String,
    pub memory_type: MemoryType,
    pub position: u32,
    pub caption: Option<String>,
    pub metadata: Vec<(String, String)>,
}

// A gallery. Part of the wire type of Capsule; this canister makes none.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Gallery {
    pub id: String,
    pub capsule_id: String,
    pub metadata: FolderMetadata,
    pub items: Vec<GalleryItem>,
    pub cover_memory_id: Option<String>,
    pub access_entries: Vec<AccessEntry>,
    pub created_at: u64,
    pub updated_at: u64,
}

// A capsule with everything in it. `memories` holds at most the first 100 memories, and fewer when they would not fit into a reply:
// page through the rest with memories_list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Capsule {
    pub id: String,
    pub subject: PersonRef,
    pub owners: Vec<(PersonRef, OwnerState)>,
    pub controllers: Vec<(PersonRef, ControllerState)>,
    pub connections: Vec<(PersonRef, Connection)>,
    pub connection_groups: Vec<(String, ConnectionGroup)>,
    pub memories: Vec<(String, Memory)>,
    pub galleries: Vec<(String, Gallery)>,
    pub folders: Vec<(String, Folder)>,
    pub created_at: u64,
    pub updated_at: u64,
    pub bound_to_neon: bool,
    pub inline_bytes_used: u64,
    pub has_advanced_settings: bool,
    pub hosting_preferences: HostingPreferences,
}

// A capsule in numbers, seen by the caller.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleInfo {
    pub capsule_id: String,
    pub subject: PersonRef,
    pub is_owner: bool,
    pub is_controller: bool,
    pub is_self_capsule: bool,
    pub bound_to_neon: bool,
    pub created_at: u64,
    pub updated_at: u64,
    pub memory_count: u64,
    pub gallery_count: u64,
    pub connection_count: u64,
}

// A capsule as a row of a list.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleHeader {
    pub id: String,
    pub subject: PersonRef,
    pub owner_count: u64,
    pub controller_count: u64,
    pub memory_count: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

// What may be changed of a capsule; null leaves a field as it is.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct CapsuleUpdateData {
    pub bound_to_neon: Option<bool>,
}

// What capsules_bind_neon binds.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    Memory,
    Capsule,
    Gallery,
}
