//! The types of `candid/backend.did`, which they must equal (`tests/candid.rs`).

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
