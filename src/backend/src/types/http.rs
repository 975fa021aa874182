//! What goes to and comes from the HTTP gateway.

use candid::{CandidType, Deserialize};
use serde_bytes::ByteBuf;

/// A request of the HTTP gateway.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The url.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ByteBuf,
    /// The certificate version.
    pub certificate_version: Option<u16>,
}

/// where a streamed asset goes on.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StreamingToken {
    /// The token that opened the asset.
    pub token: String,
    /// The memory id.
    pub memory_id: String,
    /// The variant name.
    pub variant_name: String,
    /// The asset id.
    pub asset_id: String,
    /// First byte of the next part.
    pub offset: u64,
    /// First byte that is no longer asked for.
    pub end: u64,
}

/// the next part of a streamed asset.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct StreamingCallbackResponse {
    /// The body.
    pub body: ByteBuf,
    /// The token.
    pub token: Option<StreamingToken>,
}

/// how the gateway gets the rest of a body.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub enum StreamingStrategy {
    /// Ask this method with this token.
    Callback {
        /// The method.
        callback: StreamingCallback,
        /// Its argument.
        token: StreamingToken,
    },
}

/// A reply to the HTTP gateway.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status_code: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: ByteBuf,
    /// The upgrade.
    pub upgrade: Option<bool>,
    /// New: present when the body goes on.
    pub streaming_strategy: Option<StreamingStrategy>,
}

mod callback {
    #![allow(missing_docs, reason = "the macro writes items without documentation")]
    use super::{StreamingCallbackResponse, StreamingToken};
    candid::define_function!(pub StreamingCallback : (StreamingToken) -> (StreamingCallbackResponse) query);
}
pub use callback::StreamingCallback;
