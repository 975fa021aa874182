//! What was made under which idem: the same request again gives the same answer, another request under the same idem is a conflict.

use candid::Principal;
use ic_stable_structures::BTreeMap;

use super::record::{MemoryKey, Uuid};
use crate::codec::{Digest, digest};
use crate::error::{Error, Result, require};
use crate::memory::Memory;

const MAX_IDEM_BYTES: usize = 1_024;

/// Idem key to the digest of the request's content and the id of what it made.
pub struct Idempotency(BTreeMap<Digest, (Digest, Uuid), Memory>);

impl Idempotency {
    /// Opens what stable memory holds.
    pub fn open(memory: Memory) -> Self {
        Self(BTreeMap::init(memory))
    }

    /// What this request made before: `None` if it is new, a conflict if the key was used for other content. `in_candid` is the digest of
    /// the content as builds of layout 2 computed it: what they made is still known by that.
    pub fn find(&self, key: &Digest, content: &Digest, in_candid: impl FnOnce() -> Digest) -> Result<Option<Uuid>> {
        match self.0.get(key) {
            None => Ok(None),
            Some((known, id)) if known == *content || known == in_candid() => Ok(Some(id)),
            Some(_) => Err(Error::conflict("idem: was used before with other content")),
        }
    }

    /// Remembers what a request made.
    pub fn remember(&mut self, key: Digest, content: Digest, id: Uuid) {
        self.0.insert(key, (content, id));
    }

    /// Forgets a request whose result is gone.
    pub fn forget(&mut self, key: &Digest) {
        self.0.remove(key);
    }
}

/// The key of a memory: capsule, caller and idem.
pub fn memory_key(capsule: u64, caller: &Principal, idem: &str) -> Result<Digest> {
    check(idem)?;
    Ok(digest(&[b"memory idem", &capsule.to_be_bytes(), caller.as_slice(), idem.as_bytes()]))
}

/// The key of an asset: memory, caller and idem.
pub fn asset_key(MemoryKey(capsule, number): MemoryKey, caller: &Principal, idem: &str) -> Result<Digest> {
    check(idem)?;
    Ok(digest(&[b"asset idem", &capsule.to_be_bytes(), &number.to_be_bytes(), caller.as_slice(), idem.as_bytes()]))
}

fn check(idem: &str) -> Result<()> {
    require(idem.len() <= MAX_IDEM_BYTES, || format!("idem: {} bytes, expected at most {MAX_IDEM_BYTES}", idem.len()))
}
