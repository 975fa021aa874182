//! Why a call is refused. Nothing below `api` panics on bad input: it returns one of these.
//!
//! Error
//! ├── Unauthorized, NotFound       who asks, and for what (strangers get NotFound where existence is private)
//! ├── ResourceExhausted            a quota or limit; making room helps
//! ├── InvalidArgument(text)        the caller's fault; the text begins with the field where clients do not match an older text
//! ├── Conflict(text)               contradicts what is stored
//! ├── Internal(text)               our fault
//! └── NotImplemented(text)         part of the wire type only; nothing answers it

use candid::{CandidType, Deserialize};

/// A refusal, as it goes over the wire.
#[derive(CandidType, Deserialize, Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller may not do this.
    Unauthorized,
    /// There is no such thing, or none that the caller may know of.
    NotFound,
    /// A quota or limit is used up.
    ResourceExhausted,
    /// An argument is wrong; the text names it.
    InvalidArgument(String),
    /// The call contradicts what is stored.
    Conflict(String),
    /// The canister failed.
    Internal(String),
    /// This build does not do that.
    NotImplemented(String),
}

/// What every fallible operation returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// `InvalidArgument` with a text.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidArgument(text.into())
    }

    /// `Conflict` with a text.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::Conflict(text.into())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unauthorized => write!(out, "unauthorized"),
            Self::NotFound => write!(out, "not found"),
            Self::ResourceExhausted => write!(out, "resource exhausted"),
            Self::InvalidArgument(text) => write!(out, "invalid argument: {text}"),
            Self::Conflict(text) => write!(out, "conflict: {text}"),
            Self::Internal(text) => write!(out, "internal: {text}"),
            Self::NotImplemented(text) => write!(out, "not implemented: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// Refuses with `InvalidArgument(text)` unless the condition holds.
pub fn require(condition: bool, text: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(Error::InvalidArgument(text())) }
}
