//! The Candid interface. A method decodes, asks the domain and answers; it decides nothing.

mod admin;
mod assets;
mod blobs;
mod capsules;
mod http;
mod memories;
mod uploads;

use candid::Principal;
#[cfg(not(target_family = "wasm"))]
use {crate::error::Result, crate::types::*, serde_bytes::ByteBuf};

use crate::runtime;

#[ic_cdk::query]
fn whoami() -> Principal {
    runtime::call().caller
}

// The Wasm carries the interface in a custom section, so the code that would print it stays out of it.
#[cfg(not(target_family = "wasm"))]
ic_cdk::export_candid!();

/// The interface as the code has it, for the test that compares it with the written one.
#[cfg(not(target_family = "wasm"))]
pub fn candid_interface() -> String {
    __export_service()
}
