//! Memories.

use serde_bytes::ByteBuf;

use crate::error::Result;
use crate::memories::{self, NewMemory};
use crate::runtime::{change, read};
use crate::types::{
    AssetMetadata, BlobHosting, BlobRef, BulkCreateResult, BulkDeleteResult, InlineAssetInput, InternalBlobAssetInput, Memory,
    MemoryAssetData, MemoryAssetsList, MemoryInput, MemoryMetadata, MemoryPresenceResult, MemoryUpdateData, Page,
};

#[ic_cdk::update]
#[expect(clippy::too_many_arguments, reason = "the signature is part of the interface")]
fn memories_create(
    capsule_id: String,
    bytes: Option<ByteBuf>,
    blob_ref: Option<BlobRef>,
    external_location: Option<BlobHosting>,
    external_storage_key: Option<String>,
    external_url: Option<String>,
    external_size: Option<u64>,
    external_hash: Option<ByteBuf>,
    metadata: AssetMetadata,
    idem: String,
) -> Result<String> {
    let bytes = bytes.map(ByteBuf::into_vec);
    let external = (external_location, external_storage_key, external_url, external_size, external_hash.map(ByteBuf::into_vec));
    let request = NewMemory::new((capsule_id, idem), bytes, blob_ref, external, metadata);
    change(|state, call| memories::create(state, call, request))
}

#[ic_cdk::update]
fn memories_create_with_internal_blobs(
    capsule_id: String,
    metadata: MemoryMetadata,
    blobs: Vec<InternalBlobAssetInput>,
    idem: String,
) -> Result<String> {
    change(|state, call| memories::create_with_assets(state, call, (&capsule_id, &idem), metadata, blobs, Vec::new()))
}

#[ic_cdk::update]
fn memories_create_with_internal_blobs_and_inline_assets(
    capsule_id: String,
    metadata: MemoryMetadata,
    blobs: Vec<InternalBlobAssetInput>,
    inline: Vec<InlineAssetInput>,
    idem: String,
) -> Result<String> {
    change(|state, call| memories::create_with_assets(state, call, (&capsule_id, &idem), metadata, blobs, inline))
}

#[ic_cdk::update]
fn memories_create_bulk(capsule_id: String, memories: Vec<MemoryInput>) -> Result<BulkCreateResult> {
    change(|state, call| memories::create_bulk(state, call, &capsule_id, memories))
}

#[ic_cdk::update]
fn memories_add_asset(memory_id: String, asset: InternalBlobAssetInput, idem: String) -> Result<String> {
    change(|state, call| memories::add_blob(state, call, &memory_id, asset, &idem))
}

#[ic_cdk::update]
fn memories_add_inline_asset(memory_id: String, asset: InlineAssetInput, idem: String) -> Result<String> {
    change(|state, call| memories::add_inline(state, call, &memory_id, asset, &idem))
}

#[ic_cdk::query]
fn memories_read(memory_id: String) -> Result<Memory> {
    read(|state, call| memories::read(state, call, &memory_id))
}

#[ic_cdk::query]
fn memories_read_asset(memory_id: String, index: u32) -> Result<MemoryAssetData> {
    read(|state, call| memories::read_asset(state, call, &memory_id, index))
}

#[ic_cdk::query]
fn memories_list(capsule_id: String, cursor: Option<String>, limit: Option<u32>) -> Result<Page> {
    read(|state, call| memories::list(state, call, &capsule_id, cursor.as_deref(), limit))
}

#[ic_cdk::query]
fn memories_list_by_capsule(capsule_id: String, cursor: Option<String>, limit: Option<u32>) -> Result<Page> {
    memories_list(capsule_id, cursor, limit)
}

#[ic_cdk::query]
fn memories_list_assets(memory_id: String) -> Result<MemoryAssetsList> {
    read(|state, call| memories::list_assets(state, call, &memory_id))
}

#[ic_cdk::update]
fn memories_update(memory_id: String, changes: MemoryUpdateData) -> Result<Memory> {
    change(|state, call| memories::update(state, call, &memory_id, changes))
}

#[ic_cdk::update]
fn memories_delete(memory_id: String, delete_assets: bool) -> Result<()> {
    change(|state, call| memories::delete(state, call, &memory_id, delete_assets))
}

#[ic_cdk::update]
fn memories_delete_bulk(capsule_id: String, memory_ids: Vec<String>, delete_assets: bool) -> Result<BulkDeleteResult> {
    change(|state, call| memories::delete_bulk(state, call, &capsule_id, memory_ids, delete_assets))
}

#[ic_cdk::update]
fn memories_delete_all(capsule_id: String, delete_assets: bool) -> Result<BulkDeleteResult> {
    change(|state, call| memories::delete_all(state, call, &capsule_id, delete_assets))
}

#[ic_cdk::query]
fn memories_ping(memory_ids: Vec<String>) -> Result<Vec<MemoryPresenceResult>> {
    read(|state, call| memories::ping(state, call, memory_ids))
}
