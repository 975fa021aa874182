//! What `memories_create` is asked for, and whether that is consistent.

use super::checks;
use super::record::base;
use crate::codec::{self, Digest, digest, sha256};
use crate::error::{Result, require};
use crate::stored::Stored as _;
use crate::types::{AssetMetadata, BlobHosting, BlobRef};

/// The arguments of `memories_create`.
#[derive(Clone, Debug)]
pub struct NewMemory {
    /// The capsule that gets the memory.
    pub capsule_id: String,
    /// Inline bytes.
    pub bytes: Option<Vec<u8>>,
    /// Or a blob of this canister.
    pub blob_ref: Option<BlobRef>,
    /// Or a place elsewhere.
    pub external_location: Option<BlobHosting>,
    /// Name at that place.
    pub external_storage_key: Option<String>,
    /// Address of that place.
    pub external_url: Option<String>,
    /// Size there.
    pub external_size: Option<u64>,
    /// Hash there.
    pub external_hash: Option<Vec<u8>>,
    /// What the asset says of itself.
    pub metadata: AssetMetadata,
    /// The caller's name for this request.
    pub idem: String,
}

/// Where an asset outside is: place, name, address, size and hash there.
pub type External = (Option<BlobHosting>, Option<String>, Option<String>, Option<u64>, Option<Vec<u8>>);

impl NewMemory {
    /// The request in the order of the method's arguments.
    pub fn new(
        (capsule_id, idem): (String, String),
        bytes: Option<Vec<u8>>,
        blob_ref: Option<BlobRef>,
        external: External,
        metadata: AssetMetadata,
    ) -> Self {
        let (external_location, external_storage_key, external_url, external_size, external_hash) = external;
        Self {
            capsule_id,
            bytes,
            blob_ref,
            external_location,
            external_storage_key,
            external_url,
            external_size,
            external_hash,
            metadata,
            idem,
        }
    }
}

/// Refuses a request that names not exactly one kind of asset, or contradicts itself.
pub fn check_consistent(request: &NewMemory) -> Result<()> {
    let kinds = [request.bytes.is_some(), request.blob_ref.is_some(), request.external_location.is_some()];
    let given = kinds.iter().filter(|&&given| given).count();
    require(given == 1, || "Exactly one asset type must be provided: bytes, blob_ref, or external_location".into())?;
    checks::check_asset(&request.metadata)?;
    checks::check_hash(
        "blob_ref.hash",
        request.blob_ref.as_ref().and_then(|blob| blob.hash.as_ref()).map(|hash| hash.as_slice()),
    )?;
    checks::check_hash("external_hash", request.external_hash.as_deref())?;
    let said = base(&request.metadata);
    if let Some(bytes) = &request.bytes {
        require(bytes.len() as u64 == said.bytes, || "inline bytes_len != metadata.base.bytes".into())?;
        checks::check_inline(bytes)?;
        checks::check_truth(&request.metadata, bytes.len() as u64, &sha256(bytes), false)?;
    }
    if let Some(blob) = &request.blob_ref {
        require(blob.len == said.bytes, || "blob_ref.len != metadata.base.bytes".into())?;
    }
    if request.external_location.is_some() { check_external(request) } else { Ok(()) }
}

fn check_external(request: &NewMemory) -> Result<()> {
    let said = base(&request.metadata);
    let key = request.external_storage_key.as_deref().unwrap_or_default();
    require(!key.is_empty(), || "external_storage_key is required".into())?;
    checks::check_text("external_storage_key", key)?;
    checks::check_text("external_url", request.external_url.as_deref().unwrap_or_default())?;
    require(request.external_size.is_none_or(|size| size == said.bytes), || "external_size != metadata.base.bytes".into())?;
    let same = match (&request.external_hash, &said.sha256) {
        (Some(told), Some(said)) => told.as_slice() == said.as_slice(),
        _ => true,
    };
    require(same, || "external_hash != metadata.base.sha256".into())
}

/// What a request is known by: everything in it but the idem.
pub fn request_digest(request: &NewMemory) -> Digest {
    let mut out = Vec::new();
    request.bytes.as_deref().map(sha256).put(&mut out);
    request.blob_ref.put(&mut out);
    request.external_location.put(&mut out);
    request.external_storage_key.put(&mut out);
    request.external_url.put(&mut out);
    request.external_size.put(&mut out);
    request.external_hash.put(&mut out);
    request.metadata.put(&mut out);
    digest(&[b"one asset", &out])
}

/// The same as builds of layout 2 computed it.
pub fn candid_digest(request: &NewMemory) -> Digest {
    let place = (&request.blob_ref, &request.external_location, &request.external_storage_key, &request.external_url);
    let bytes = request.bytes.as_deref().map(sha256);
    let told = (request.external_size, &request.external_hash);
    let [place, bytes, told] = [codec::to_bytes(&place), codec::to_bytes(&bytes), codec::to_bytes(&told)];
    digest(&[b"one asset", &place, &bytes, &told, &codec::to_bytes(&request.metadata)])
}
