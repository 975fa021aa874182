//! Blobs.

use serde_bytes::ByteBuf;

use crate::error::Result;
use crate::runtime::{change, read};
use crate::types::{BlobFound, BlobMeta};
use crate::uploads;

#[ic_cdk::query]
fn blob_get_meta(locator: String) -> Result<BlobMeta> {
    read(|state, call| uploads::get_meta(state, call, &locator))
}

#[ic_cdk::query]
fn blob_read(locator: String) -> Result<ByteBuf> {
    read(|state, call| uploads::read(state, call, &locator)).map(ByteBuf::from)
}

#[ic_cdk::query]
fn blob_read_chunk(locator: String, index: u32) -> Result<ByteBuf> {
    read(|state, call| uploads::read_chunk(state, call, &locator, index)).map(ByteBuf::from)
}

#[ic_cdk::query]
fn blobs_find(capsule_id: String, hashes: Vec<ByteBuf>) -> Result<Vec<Option<BlobFound>>> {
    read(|state, call| uploads::find(state, call, &capsule_id, &hashes))
}

#[ic_cdk::update]
fn blob_delete(locator: String) -> Result<String> {
    change(|state, call| uploads::delete_blob(state, call, &locator))
}
