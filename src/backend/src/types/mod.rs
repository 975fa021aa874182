//! The types of `candid/backend.did`, which they must equal (`tests/candid.rs`).
//!
//! What they mean is documented there. Here comments are `//`: Candid would keep every `///` as a text in the Wasm and copy it at
//! run time.

#![expect(missing_docs, reason = "see above")]

mod admin;
mod assets;
mod capsules;
mod http;
mod memories;
mod people;
mod uploads;

pub use admin::*;
pub use assets::*;
pub use capsules::*;
pub use http::*;
pub use memories::*;
pub use people::*;
pub use uploads::*;
