//! Memories: one record each, whatever the size of the capsule; inline bytes stand beside the record, blobs elsewhere.

mod assets;
mod attach;
mod bulk;
mod checks;
mod create;
mod delete;
mod idempotency;
mod listing;
mod read;
mod record;
mod request;
mod store;

pub use assets::{
    add_blob, add_inline, cleanup, cleanup_bulk, remove_asset, remove_by_id, remove_external, remove_inline, remove_internal,
};
pub use bulk::create_bulk;
pub use checks::INLINE_MAX;
pub use create::{create, create_with_assets};
pub use delete::{delete, delete_all, delete_bulk, drop_of_capsule};
pub use listing::{list, slug};
pub use read::{
    bind_neon, first_of_capsule, list_assets, may_view, ping, read, read_asset, read_asset_by_id, referring, update, viewable,
};
pub use record::{MemoryKey, Place, StoredAsset, StoredMemory, base, parse_uuid, uuid_text};
pub use request::NewMemory;
pub use store::MemoryStore;
