//! Uploads: a session whose chunks are hashed as they come and become a blob when they are complete.

mod blobs;
mod hashing;
mod maintenance;
mod service;

pub use blobs::{delete_blob, drop_blobs_of, find, get_meta, read, read_chunk, readable, remove_blob};
pub use maintenance::{clear_all, drop_sessions_of, list_text, stats_text, sweep};
pub use service::{CHUNK_SIZE, MAX_CHUNKS, Upload, abort, begin, finish, put_chunk, status};
