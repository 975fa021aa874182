//! HTTP.

use crate::http;
use crate::runtime::{self, read, trap};
use crate::types::{HttpRequest, HttpResponse, StreamingCallbackResponse, StreamingToken};

#[ic_cdk::query]
fn http_request(request: HttpRequest) -> HttpResponse {
    let response = read(|state, call| http::request(state, call, &request));
    match runtime::certificate() {
        Some(certificate) => http::certified(response, &request.url, &certificate),
        None => response,
    }
}

#[ic_cdk::query]
fn http_request_streaming_callback(token: StreamingToken) -> StreamingCallbackResponse {
    read(|state, call| http::streaming_callback(state, call, token))
}

/// Traps when refused: the deployed type has no room for an error.
#[ic_cdk::query]
fn mint_http_token(memory_id: String, variants: Vec<String>, asset_ids: Option<Vec<String>>, ttl_s: u32) -> String {
    read(|state, call| http::mint(state, call, &memory_id, variants, asset_ids, ttl_s)).unwrap_or_else(|text| trap(&text))
}

#[ic_cdk::query]
fn mint_http_tokens_bulk(
    memory_ids: Vec<String>,
    variants: Vec<String>,
    asset_ids: Option<Vec<String>>,
    ttl_s: u32,
) -> Vec<(String, String)> {
    read(|state, call| http::mint_bulk(state, call, memory_ids, variants, asset_ids, ttl_s))
}
