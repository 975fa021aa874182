//! The reference capsule backend.
//!
//! ```text
//! api/            the Candid interface: each method an adapter of a few lines
//! runtime.rs      the only door to the Internet Computer        housekeeping.rs  what happens by itself
//! ── below this line nothing knows that it runs in a canister ───────────────────────────────────────────
//! capsules/       who owns what, who may see it, what it uses
//! memories/       one record a memory, inline bytes, idempotency, pages
//! uploads/        begin, put, finish: sessions that become blobs; reading and deleting blobs
//! http/           tokens, links, assets over HTTP
//! session/        sessions in general: books, limits, expiry (knows no uploads)
//! blobs/          bytes in stable memory: space, chunks, ids, references
//! stored/                                                how records are written in bytes
//! migration.rs                                           from earlier layouts to the present one
//! state.rs settings.rs memory.rs layout.rs codec.rs      stable memory, and only there
//! types/ error.rs context.rs                             what goes over the wire, and who asks
//! ```
//!
//! All state is written through to stable memory by the message that makes it: an upgrade loses nothing, open uploads included.

mod api;
pub mod blobs;
pub mod capsules;
pub mod codec;
pub mod context;
pub mod error;
pub mod housekeeping;
pub mod http;
pub mod layout;
pub mod memories;
pub mod memory;
pub mod migration;
mod runtime;
pub mod session;
pub mod settings;
pub mod state;
pub mod stored;
pub mod types;
pub mod uploads;

#[cfg(not(target_family = "wasm"))]
pub use api::candid_interface;
