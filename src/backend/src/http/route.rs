//! From an HTTP request to an answer. Nothing here traps, whatever comes.

use serde_bytes::ByteBuf;

use super::asset;
use super::encoding::percent_decoded;
use crate::context::Call;
use crate::state::State;
use crate::types::{HttpRequest, HttpResponse};

const MAX_URL: usize = 16_384;
const MAX_TOKEN: usize = 8_192;
const MAX_PARAMETERS: usize = 64;

/// Answers a request.
pub fn request(state: &State, call: &Call, request: &HttpRequest) -> HttpResponse {
    if request.url.len() > MAX_URL {
        return plain(400, "Input too long");
    }
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["", "health"]) => plain(200, "OK"),
        ("GET", ["", "asset", memory, variant]) => from_parameters(state, call, request, (memory, variant), query),
        _ => plain(404, "Not Found"),
    }
}

/// A plain text as answer.
pub fn plain(status: u16, text: &str) -> HttpResponse {
    HttpResponse {
        status_code: status,
        headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into()), ("Cache-Control".into(), "no-store".into())],
        body: ByteBuf::from(text),
        upgrade: None,
        streaming_strategy: None,
    }
}

/// A header of the request, whatever the case of its name.
pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn from_parameters(
    state: &State,
    call: &Call,
    request: &HttpRequest,
    (memory, variant): (&str, &str),
    query: &str,
) -> HttpResponse {
    let parameters: Vec<(&str, &str)> =
        query.split('&').filter_map(|pair| pair.split_once('=')).take(MAX_PARAMETERS + 1).collect();
    if parameters.len() > MAX_PARAMETERS {
        return plain(400, "Too many parameters");
    }
    let parameter = |name| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| percent_decoded(value));
    let bearer = header(request, "authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    match bearer.or_else(|| parameter("token")) {
        None => plain(401, "Missing token"),
        Some(token) if token.len() > MAX_TOKEN => plain(400, "Input too long"),
        Some(token) => asset::serve(state, call, request, &asset::Wish { token, memory, variant, asset: parameter("id") }),
    }
}
