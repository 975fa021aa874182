//! What goes to and comes from the HTTP gateway.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

// A request of the HTTP gateway.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
    pub certificate_version: Option<u16>,
}

// Where a streamed asset goes on.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StreamingToken {
    // The token that opened the asset.
    pub token: String,
    pub memory_id: String,
    pub variant_name: String,
    pub asset_id: String,
    // First byte of the next part.
    pub offset: u64,
    // First byte that is no longer asked for.
    pub end: u64,
}

// The next part of a streamed asset.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StreamingCallbackResponse {
    pub body: ByteBuf,
    pub token: Option<StreamingToken>,
}

// How the gateway gets the rest of a body.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum StreamingStrategy {
    // Ask this method with this token.
    Callback {
        // The method.
        callback: StreamingCallback,
        // Its argument.
        token: StreamingToken,
    },
}

// A reply to the HTTP gateway.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HttpResponse {
    pub status_code: u16,
    pub headers: Vec<(String, String)>,
    pub body: ByteBuf,
    pub upgrade: Option<bool>,
    // New: present when the body goes on.
    pub streaming_strategy: Option<StreamingStrategy>,
}

mod callback {
    #![allow(missing_docs, reason = "the macro writes items without documentation")]
    use super::{StreamingCallbackResponse, StreamingToken};
    candid::define_function!(pub StreamingCallback : (StreamingToken) -> (StreamingCallbackResponse) query);
}
pub use callback::StreamingCallback;
