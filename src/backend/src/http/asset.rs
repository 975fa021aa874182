//! One asset as an HTTP answer: at once when it is small, in parts when it is not.

use serde_bytes::ByteBuf;

use super::links::etag;
use super::range::{Wanted, wanted};
use super::route::{header, plain};
use super::token::{self, Refusal};
use super::variant::{INLINE, asset_type};
use crate::context::Call;
use crate::memories::{MemoryKey, Place, StoredAsset, base, parse_uuid, uuid_text};
use crate::state::State;
use crate::types::{HttpRequest, HttpResponse, StreamingCallback, StreamingCallbackResponse, StreamingStrategy, StreamingToken};

/// Bytes of one part: what fits into a reply of 2 MB with its headers.
const PART: u64 = 1_900_000;
const CALLBACK: &str = "http_request_streaming_callback";

/// What a request asks for.
pub struct Wish<'a> {
    /// The token that is to open it.
    pub token: String,
    /// Id of the memory.
    pub memory: &'a str,
    /// Word for the rendition.
    pub variant: &'a str,
    /// Id of the asset, where a rendition is there more than once.
    pub asset: Option<String>,
}

/// Serves an asset, or says why not.
pub fn serve(state: &State, call: &Call, request: &HttpRequest, wish: &Wish) -> HttpResponse {
    match find(state, call, wish) {
        Err((status, text)) => plain(status, text),
        Ok((key, asset)) => answer(state, call, request, wish, key, &asset),
    }
}

/// The next part of an asset. A token that does not open it any more gets an empty last part.
pub fn streaming_callback(state: &State, call: &Call, at: StreamingToken) -> StreamingCallbackResponse {
    let wish =
        Wish { token: at.token.clone(), memory: &at.memory_id, variant: &at.variant_name, asset: Some(at.asset_id.clone()) };
    let Ok((key, asset)) = find(state, call, &wish) else {
        return StreamingCallbackResponse { body: ByteBuf::new(), token: None };
    };
    let end = at.end.min(asset.size());
    let body = bytes(state, key, &asset, at.offset.min(end), end.min(at.offset.saturating_add(PART)));
    let offset = at.offset.saturating_add(body.len() as u64);
    let token = (offset < end && !body.is_empty()).then_some(StreamingToken { offset, end, ..at });
    StreamingCallbackResponse { body: ByteBuf::from(body), token }
}

fn find(state: &State, call: &Call, wish: &Wish) -> Result<(MemoryKey, StoredAsset), Refusal> {
    let claims = token::open(state, call, &wish.token)?;
    if !claims.covers(wish.memory, wish.variant) {
        return Err((403, "Access denied"));
    }
    let key = state.memories.find(wish.memory).filter(|key| state.capsules.get(key.0).is_some()).ok_or((404, "Not Found"))?;
    let memory = state.memories.get(key).ok_or((404, "Not Found"))?;
    let id = wish.asset.as_deref();
    if id.is_some_and(|id| !claims.covers_asset(id)) {
        return Err((403, "Access denied"));
    }
    let allowed = |asset: &&StoredAsset| {
        let text = uuid_text(&asset.id);
        claims.covers_asset(&text) && id.is_none_or(|id| id == text) && is_variant(asset, wish.variant, id) && asset.is_here()
    };
    let mut here: Vec<_> = memory.assets.iter().filter(allowed).collect();
    here.sort_by_key(|asset| asset.is_inline());
    let asset = here.first().map(|&asset| asset.clone()).ok_or((404, "No assets found"))?;
    if asset.blob().is_some_and(|blob| state.blobs.get(blob).is_none()) {
        Err((404, "Asset not found"))
    } else {
        Ok((key, asset))
    }
}

fn is_variant(asset: &StoredAsset, variant: &str, id: Option<&str>) -> bool {
    match variant {
        INLINE => asset.is_inline() && id.is_some_and(|id| parse_uuid(id) == Some(asset.id)),
        word => asset_type(word) == Some(base(&asset.metadata).asset_type),
    }
}

fn answer(state: &State, call: &Call, request: &HttpRequest, wish: &Wish, key: MemoryKey, asset: &StoredAsset) -> HttpResponse {
    let (size, tag) = (asset.size(), etag(asset).unwrap_or_default());
    if header(request, "if-none-match")
        .is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag || known.trim() == "*"))
    {
        return response(304, headers(asset, &tag, 0, None), Vec::new());
    }
    let (status, from, to, range) = match wanted(header(request, "range"), size) {
        Wanted::Unsatisfiable => return response(416, headers(asset, &tag, 0, Some(format!("bytes */{size}"))), Vec::new()),
        Wanted::Whole => (200, 0, size, None),
        Wanted::Part(from, to) => (206, from, to, Some(format!("bytes {from}-{}/{size}", to - 1))),
    };
    let first = bytes(state, key, asset, from, to.min(from.saturating_add(PART)));
    let offset = from + first.len() as u64;
    let mut response = response(status, headers(asset, &tag, to - from, range), first);
    response.streaming_strategy = (offset < to).then(|| rest(call, wish, asset, offset, to));
    response
}

fn rest(call: &Call, wish: &Wish, asset: &StoredAsset, offset: u64, end: u64) -> StreamingStrategy {
    let token = StreamingToken {
        token: wish.token.clone(),
        memory_id: wish.memory.into(),
        variant_name: wish.variant.into(),
        asset_id: uuid_text(&asset.id),
        offset,
        end,
    };
    StreamingStrategy::Callback { callback: StreamingCallback::new(call.canister, CALLBACK.into()), token }
}

fn bytes(state: &State, key: MemoryKey, asset: &StoredAsset, from: u64, to: u64) -> Vec<u8> {
    match &asset.place {
        Place::Inline { .. } => {
            state.memories.inline(key, &asset.id).get(from as usize..to as usize).unwrap_or_default().to_vec()
        }
        Place::Blob { id, .. } => {
            let blob = state.blobs.get(*id);
            blob.map(|blob| state.blobs.read_range(&blob, from, (to - from) as usize)).unwrap_or_default()
        }
        Place::External { .. } => Vec::new(),
    }
}

fn headers(asset: &StoredAsset, tag: &str, length: u64, range: Option<String>) -> Vec<(String, String)> {
    let mime = base(&asset.metadata).mime_type.as_str();
    let mime: String = mime.chars().filter(|letter| !letter.is_control()).collect();
    let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
    let mut headers = vec![
        pair("Content-Type", if mime.is_empty() { "application/octet-stream" } else { &mime }),
        pair("Content-Length", &length.to_string()),
        pair("Accept-Ranges", "bytes"),
        pair("ETag", tag),
        pair("Cache-Control", "private, no-store"),
        pair("X-Content-Type-Options", "nosniff"),
    ];
    headers.extend(range.map(|range| pair("Content-Range", &range)));
    headers
}

fn response(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> HttpResponse {
    HttpResponse { status_code: status, headers, body: ByteBuf::from(body), upgrade: None, streaming_strategy: None }
}
