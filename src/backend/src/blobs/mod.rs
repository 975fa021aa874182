//! Blobs: bytes in stable memory, owned by a principal, held by the memories that refer to them.

mod chunks;
mod ids;
mod refs;
mod space;
mod store;

pub use chunks::Chunks;
pub use ids::{IdSource, Seed, blob_number, locator};
pub use refs::Refs;
pub use store::{Blob, BlobId, BlobStore};
