//! Single assets of a memory.

use crate::error::Result;
use crate::memories;
use crate::runtime::{change, read};
use crate::types::{AssetCleanupResult, AssetRemovalResult, BulkResult, MemoryAssetData};

#[ic_cdk::update]
fn memories_cleanup_assets_all(memory_id: String) -> Result<AssetCleanupResult> {
    change(|state, call| memories::cleanup(state, call, &memory_id))
}

#[ic_cdk::update]
fn memories_cleanup_assets_bulk(memory_ids: Vec<String>) -> Result<BulkResult> {
    change(|state, call| memories::cleanup_bulk(state, call, memory_ids))
}

#[ic_cdk::query]
fn asset_get_by_id(memory_id: String, asset_id: String) -> Result<MemoryAssetData> {
    read(|state, call| memories::read_asset_by_id(state, call, &memory_id, &asset_id))
}

#[ic_cdk::update]
fn asset_remove(memory_id: String, asset: String) -> Result<AssetRemovalResult> {
    change(|state, call| memories::remove_asset(state, call, &memory_id, &asset))
}

#[ic_cdk::update]
fn asset_remove_by_id(memory_id: String, asset_id: String) -> Result<AssetRemovalResult> {
    change(|state, call| memories::remove_by_id(state, call, &memory_id, &asset_id))
}

#[ic_cdk::update]
fn asset_remove_internal(memory_id: String, locator: String) -> Result<AssetRemovalResult> {
    change(|state, call| memories::remove_internal(state, call, &memory_id, &locator))
}

#[ic_cdk::update]
fn asset_remove_external(memory_id: String, storage_key: String) -> Result<AssetRemovalResult> {
    change(|state, call| memories::remove_external(state, call, &memory_id, &storage_key))
}

#[ic_cdk::update]
fn asset_remove_inline(memory_id: String, index: u32) -> Result<AssetRemovalResult> {
    change(|state, call| memories::remove_inline(state, call, &memory_id, index))
}
