//! Assets over HTTP: who has a token for them gets them.

mod encoding;
mod keys;

pub use encoding::base64;
pub use keys::Keys;

use crate::context::Call;
use crate::memories::StoredMemory;
use crate::state::State;
use crate::types::AssetLinks;

/// Links to the renditions that a memory has.
pub fn links(_: &State, _: &Call, _: &StoredMemory) -> AssetLinks {
    AssetLinks { thumbnail: None, display: None, original: None }
}
