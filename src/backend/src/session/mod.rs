//! Sessions: something that arrives in numbered chunks, from one caller, into one place, until it is complete or its time is over.
//!
//! This layer keeps the books (who, how many, which have arrived, until when) and knows nothing of uploads, hashes or blobs: what a
//! session is *for* travels in its payload, the bytes go to a `ByteSink`, the time comes from a `Clock`.
//!
//! ```text
//!            create                    put_chunk (any order, repeats harmless)
//!   (none) ──────────▶ open ──────────────▶ open
//!                       │  │
//!                       │  └── complete ──▶ completed ── cleanup ──▶ (none)       a receipt: it answers repeats
//!                       └── cleanup, expiry ──▶ (none)
//! ```

mod clock;
mod limits;
mod ranges;
mod record;
mod service;
mod sink;
#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use limits::{Limits, check_chunk_count};
pub use ranges::Ranges;
pub use record::{Session, SessionId, SessionSpec};
pub use service::{Arrival, SessionService};
pub use sink::ByteSink;
