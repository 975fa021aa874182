//! The part of the crate `pocket-ic` that agent-rs's tests use, over one ic-harness replica that is served.
//!
//! `IC_HARNESS_JUDGED_URL` names the replica, `IC_HARNESS_JUDGED_SNAPSHOT` the snapshot (a number of its admin
//! routes) that every instance starts from: an "instance" is the replica put back to that snapshot, so tests run
//! one at a time. What a builder asks for (server binary, kinds of subnets) is ignored: the replica has one subnet.

mod client;
pub mod common;
pub mod nonblocking;

use nonblocking::PocketIc;

/// Builds an instance; every option is accepted, none changes the replica.
#[derive(Default)]
pub struct PocketIcBuilder;

impl PocketIcBuilder {
    pub fn new() -> Self {
        Self
    }

    pub fn new_with_config(_config: common::rest::ExtendedSubnetConfigSet) -> Self {
        Self
    }

    pub fn with_server_binary(self, _path: std::path::PathBuf) -> Self {
        self
    }

    pub fn with_nns_subnet(self) -> Self {
        self
    }

    pub fn with_application_subnet(self) -> Self {
        self
    }

    pub fn with_auto_progress(self) -> Self {
        self
    }

    /// Puts the replica back to its first snapshot. Panics when it cannot be reached.
    pub async fn build_async(self) -> PocketIc {
        PocketIc::fresh().await
    }
}
