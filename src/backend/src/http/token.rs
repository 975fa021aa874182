//! Tokens: who holds one may fetch some assets of one memory until it expires.
//!
//! ```text
//! base64url( the claims as they would be stored ) "." base64url( HMAC-SHA256 over those bytes )
//! ```
//!
//! The MAC covers the bytes as they came, and base64url is read in one form only, so no other text opens what a token opens. Builds up to
//! layout 2 wrote the claims in Candid; what they minted opens until it ends.

use candid::{CandidType, Deserialize};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::encoding::{base64_url, from_base64_url};
use super::variant::{INLINE, asset_type};
use crate::context::Call;
use crate::error::{Error, Result};
use crate::memories::{StoredMemory, uuid_text, viewable};
use crate::state::State;
use crate::stored::{from_bytes, layout, to_bytes};

const SECOND_NS: u64 = 1_000_000_000;
const DEFAULT_TTL_S: u32 = 180;
const MAX_TTL_S: u32 = 1_800;
const MAX_TTL_BULK_S: u32 = 180;
/// Most memories, variants or assets in one request.
const MAX_ITEMS: usize = 100;

/// What a token opens.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Number of the key.
    kid: u32,
    /// Time at which it ends.
    exp: u64,
    /// The memory.
    mem: String,
    /// Words for renditions.
    var: Vec<String>,
    /// Ids of assets; absent: all of those renditions.
    ids: Option<Vec<String>>,
}

layout!(Claims { kid, exp, mem, var, ids });

/// Why a token does not open what was asked for: HTTP status and text.
pub type Refusal = (u16, &'static str);

/// A token for variants (and assets) of one memory: `forbidden` for who may not see it, `asset not found` for assets it does not have.
pub fn mint(
    state: &State,
    call: &Call,
    id: &str,
    variants: Vec<String>,
    ids: Option<Vec<String>>,
    ttl_s: u32,
) -> std::result::Result<String, String> {
    let (_, memory) = viewable(state, call, id).map_err(|_| "forbidden".to_string())?;
    check_items(&variants, ids.as_deref()).map_err(|error| error.to_string())?;
    if !has_all(&memory, ids.as_deref().unwrap_or_default()) {
        return Err("asset not found".into());
    }
    for_memory(state, call, &memory, variants, ids, limit_ttl(ttl_s, MAX_TTL_S))
        .ok_or_else(|| "not ready: no key yet, try again".into())
}

/// Tokens for several memories; those that the caller may not see are left out.
pub fn mint_bulk(
    state: &State,
    call: &Call,
    memories: Vec<String>,
    variants: Vec<String>,
    ids: Option<Vec<String>>,
    ttl_s: u32,
) -> Vec<(String, String)> {
    let ttl = limit_ttl(ttl_s, MAX_TTL_BULK_S);
    let token = |id: String| mint(state, call, &id, variants.clone(), ids.clone(), ttl).ok().map(|token| (id, token));
    memories.into_iter().take(MAX_ITEMS).filter_map(token).collect()
}

/// A token for a memory that the caller may see; none before there is a key.
pub fn for_memory(
    state: &State,
    call: &Call,
    memory: &StoredMemory,
    variants: Vec<String>,
    ids: Option<Vec<String>>,
    ttl_s: u32,
) -> Option<String> {
    let key = state.settings.get().keys.newest()?;
    let exp = call.now.saturating_add(u64::from(ttl_s) * SECOND_NS);
    let claims = to_bytes(&Claims { kid: key.number, exp, mem: uuid_text(&memory.id), var: variants, ids });
    let tag = mac(&key.secret, &claims).finalize().into_bytes();
    Some(format!("{}.{}", base64_url(&claims), base64_url(&tag)))
}

/// What a token opens, if it is one of ours and not over.
pub fn open(state: &State, call: &Call, token: &str) -> std::result::Result<Claims, Refusal> {
    const BAD: Refusal = (400, "Bad token format");
    let (claims, tag) = token.split_once('.').ok_or(BAD)?;
    let (bytes, tag) = from_base64_url(claims).zip(from_base64_url(tag)).ok_or(BAD)?;
    let claims: Claims = from_bytes(&bytes).ok_or(BAD)?;
    let key = state.settings.get().keys.get(claims.kid).ok_or((403, "Bad token signature"))?;
    mac(&key.secret, &bytes).verify_slice(&tag).map_err(|_| (403, "Bad token signature"))?;
    if call.now < claims.exp { Ok(claims) } else { Err((403, "Token expired")) }
}

impl Claims {
    /// Whether the token is for this memory and rendition.
    pub fn covers(&self, memory: &str, variant: &str) -> bool {
        self.mem == memory && self.var.iter().any(|word| word == variant)
    }

    /// Whether the token is for this asset.
    pub fn covers_asset(&self, asset: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.iter().any(|id| id == asset))
    }
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("bug: HMAC takes keys of any length");
    mac.update(b"http token");
    mac.update(bytes);
    mac
}

fn limit_ttl(asked: u32, most: u32) -> u32 {
    if asked == 0 { DEFAULT_TTL_S } else { asked.min(most) }
}

fn check_items(variants: &[String], ids: Option<&[String]>) -> Result<()> {
    if variants.len() > MAX_ITEMS || ids.is_some_and(|ids| ids.len() > MAX_ITEMS) {
        return Err(Error::invalid(format!("variants, asset_ids: expected at most {MAX_ITEMS} items")));
    }
    let unknown = variants.iter().find(|word| asset_type(word).is_none() && *word != INLINE);
    unknown.map_or(Ok(()), |_| {
        Err(Error::invalid("variants: expected thumbnail, display, original, placeholder, metadata or inline"))
    })
}

fn has_all(memory: &StoredMemory, ids: &[String]) -> bool {
    let known: Vec<String> = memory.assets.iter().map(|asset| uuid_text(&asset.id)).collect();
    ids.iter().all(|id| known.contains(id))
}
