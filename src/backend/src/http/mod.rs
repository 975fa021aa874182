//! Assets over HTTP: who has a token for them gets them.

mod asset;
mod certification;
mod encoding;
mod keys;
mod links;
mod range;
mod route;
mod token;
mod variant;

pub use asset::streaming_callback;
pub use certification::{certified, root};
pub use encoding::base64;
pub use keys::Keys;
pub use links::links;
pub use route::request;
pub use token::{mint, mint_bulk};
