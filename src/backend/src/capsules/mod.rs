//! Capsules: who owns them, what they use. The memories in them have records of their own (`memories/`).

pub mod access;
mod operations;
pub mod quota;
mod record;
mod store;

pub use operations::{create, delete, list, purge, read_basic, read_full, update};
pub use record::{CapsuleRecord, capsule_id, capsule_number};
pub use store::CapsuleStore;
