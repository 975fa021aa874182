//! Quotas and the installation argument.

use candid::{CandidType, Deserialize};

// The quotas of this canister.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct Quotas {
    // Bytes of blobs that one capsule may hold, open uploads included.
    pub blob_bytes_per_capsule: u64,
    // Sum of inline assets that one capsule may hold.
    pub inline_bytes_per_capsule: u32,
    // Memories that one capsule may hold.
    pub memories_per_capsule: u64,
    // Open upload sessions of one caller in one capsule.
    pub sessions_per_caller_and_capsule: u32,
    // Capsules that one principal may make.
    pub capsules_per_principal: u32,
    // Nanoseconds after the last chunk at which an open session ends.
    pub session_ttl_ns: u64,
}

// Quotas to change; null leaves a quota as it is.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotasUpdate {
    pub blob_bytes_per_capsule: Option<u64>,
    pub inline_bytes_per_capsule: Option<u32>,
    pub memories_per_capsule: Option<u64>,
    pub sessions_per_caller_and_capsule: Option<u32>,
    pub capsules_per_principal: Option<u32>,
    pub session_ttl_ns: Option<u64>,
}

// What an installation or upgrade may set.
#[derive(CandidType, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct InitArgs {
    pub quotas: Option<QuotasUpdate>,
}
