//! Links to the renditions of a memory, for its owners' lists.

use candid::Nat;

use super::token::for_memory;
use crate::codec::hex;
use crate::context::Call;
use crate::memories::{Place, StoredAsset, StoredMemory, base, uuid_text};
use crate::state::State;
use crate::types::{AssetKind, AssetLink, AssetLinks, AssetType};

/// How long the links of a list work.
const TTL_S: u32 = 1_800;

/// Links to the renditions that a memory has; none before there is a key.
pub fn links(state: &State, call: &Call, memory: &StoredMemory) -> AssetLinks {
    AssetLinks {
        thumbnail: link(state, call, memory, (AssetKind::Thumbnail, AssetType::Thumbnail, "thumbnail")),
        display: link(state, call, memory, (AssetKind::Display, AssetType::Display, "display")),
        original: link(state, call, memory, (AssetKind::Original, AssetType::Original, "original")),
    }
}

/// The tag by which a cache knows an asset: the hash of its bytes.
pub fn etag(asset: &StoredAsset) -> Option<String> {
    match &asset.place {
        Place::Inline { sha256, .. } | Place::Blob { sha256, .. } => Some(format!("\"{}\"", hex(sha256))),
        Place::External { .. } => None,
    }
}

fn link(
    state: &State,
    call: &Call,
    memory: &StoredMemory,
    (kind, wanted, word): (AssetKind, AssetType, &str),
) -> Option<AssetLink> {
    let asset = memory.servable(wanted)?;
    let asset_id = uuid_text(&asset.id);
    let token = for_memory(state, call, memory, vec![word.into()], Some(vec![asset_id.clone()]), TTL_S)?;
    let said = base(&asset.metadata);
    Some(AssetLink {
        path: format!("/asset/{}/{word}", uuid_text(&memory.id)),
        token,
        expires_at_ns: Nat::from(call.now + u64::from(TTL_S) * 1_000_000_000),
        content_type: said.mime_type.clone(),
        width: said.width,
        height: said.height,
        bytes: Some(asset.size()),
        asset_kind: kind,
        asset_id,
        etag: etag(asset),
    })
}
