//! Uploads.

use serde_bytes::ByteBuf;

use crate::error::Result;
use crate::memories::INLINE_MAX;
use crate::runtime::{change, read};
use crate::types::{UploadConfig, UploadFinishResult, UploadStatus};
use crate::uploads;

#[ic_cdk::query]
fn upload_config() -> UploadConfig {
    let inline_budget_per_capsule = read(|state, _| state.settings.get().quotas.inline_bytes_per_capsule);
    UploadConfig { inline_max: INLINE_MAX as u32, chunk_size: uploads::CHUNK_SIZE as u32, inline_budget_per_capsule }
}

#[ic_cdk::update]
fn uploads_begin(capsule_id: String, expected_chunks: u32, idem: String) -> Result<u64> {
    change(|state, call| uploads::begin(state, call, &capsule_id, expected_chunks, idem))
}

#[ic_cdk::update]
fn uploads_put_chunk(session: u64, index: u32, bytes: ByteBuf) -> Result<()> {
    change(|state, call| uploads::put_chunk(state, call, session, index, &bytes))
}

#[ic_cdk::update]
fn uploads_finish(session: u64, sha256: ByteBuf, total_len: u64) -> Result<UploadFinishResult> {
    change(|state, call| uploads::finish(state, call, session, &sha256, total_len))
}

#[ic_cdk::update]
fn uploads_abort(session: u64) -> Result<()> {
    change(|state, call| uploads::abort(state, call, session))
}

#[ic_cdk::query]
fn uploads_status(session: u64) -> Result<UploadStatus> {
    read(|state, call| uploads::status(state, call, session))
}
