//! The Candid interface. A method decodes, asks the domain and answers; it decides nothing.

mod admin;
mod assets;
mod blobs;
mod capsules;
mod memories;
mod uploads;

use candid::Principal;
use serde_bytes::ByteBuf;

use crate::error::Result;
use crate::runtime;
use crate::types::*;

#[ic_cdk::query]
fn whoami() -> Principal {
    runtime::call().caller
}

ic_cdk::export_candid!();

/// The interface as the code has it.
pub fn candid_interface() -> String {
    __export_service()
}
