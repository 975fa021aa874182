//! What a capsule uses and may use.

use candid::{CandidType, Deserialize};

use crate::error::{Error, Result, require};
use crate::types::{Quotas, QuotasUpdate};

/// What a capsule uses.
#[derive(CandidType, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of blobs, open uploads included.
    pub blob_bytes: u64,
    /// Bytes of inline assets.
    pub inline_bytes: u64,
    /// Memories.
    pub memories: u64,
}

const GIB: u64 = 1 << 30;
const HOUR_NS: u64 = 3_600_000_000_000;

/// The quotas of a new canister.
pub fn defaults() -> Quotas {
    Quotas {
        // Half of what the memory manager can address (see memory.rs): one capsule cannot fill the canister by itself.
        blob_bytes_per_capsule: 32 * GIB,
        // 512 full inline assets; placeholders are far smaller.
        inline_bytes_per_capsule: 16 << 20,
        memories_per_capsule: 1_000_000,
        // Interface facts, section 3.2.
        sessions_per_caller_and_capsule: 100,
        capsules_per_principal: 1_000,
        session_ttl_ns: 2 * HOUR_NS,
    }
}

/// Changes the quotas that an update names.
pub fn change(quotas: &mut Quotas, update: &QuotasUpdate) -> Result<()> {
    check_change(update)?;
    let QuotasUpdate {
        blob_bytes_per_capsule,
        inline_bytes_per_capsule,
        memories_per_capsule,
        sessions_per_caller_and_capsule,
        capsules_per_principal,
        session_ttl_ns,
    } = *update;
    set(&mut quotas.blob_bytes_per_capsule, blob_bytes_per_capsule);
    set(&mut quotas.inline_bytes_per_capsule, inline_bytes_per_capsule);
    set(&mut quotas.memories_per_capsule, memories_per_capsule);
    set(&mut quotas.sessions_per_caller_and_capsule, sessions_per_caller_and_capsule);
    set(&mut quotas.capsules_per_principal, capsules_per_principal);
    set(&mut quotas.session_ttl_ns, session_ttl_ns);
    Ok(())
}

/// Refuses values that would make the canister useless or its calls too dear.
fn check_change(update: &QuotasUpdate) -> Result<()> {
    let sessions = update.sessions_per_caller_and_capsule.unwrap_or(1);
    require((1..=10_000).contains(&sessions), || "sessions_per_caller_and_capsule: expected 1 to 10,000".into())?;
    require(update.session_ttl_ns != Some(0), || "session_ttl_ns: expected more than 0".into())
}

fn set<T>(quota: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *quota = value;
    }
}

impl Usage {
    /// Bytes that blobs can still take.
    pub fn blob_room(&self, quotas: &Quotas) -> u64 {
        quotas.blob_bytes_per_capsule.saturating_sub(self.blob_bytes)
    }

    /// Refuses when a memory would be one too many.
    pub fn check_memory(&self, quotas: &Quotas) -> Result<()> {
        if self.memories < quotas.memories_per_capsule { Ok(()) } else { Err(Error::ResourceExhausted) }
    }

    /// Refuses when inline bytes would be too many.
    pub fn check_inline(&self, bytes: u64, quotas: &Quotas) -> Result<()> {
        let budget = u64::from(quotas.inline_bytes_per_capsule);
        if self.inline_bytes + bytes <= budget { Ok(()) } else { Err(Error::ResourceExhausted) }
    }
}
