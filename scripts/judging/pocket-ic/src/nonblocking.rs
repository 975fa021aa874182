//! The asynchronous instance.

use crate::client::{call, number, post, server, topology};
use crate::common::rest::Topology;
use candid::{CandidType, Encode, Principal};
use reqwest::Url;

/// The replica, put back to its first snapshot.
pub struct PocketIc {
    pub instance_id: usize,
}

/// The address of the replica. `join` ignores the path: there is one instance, at the root.
pub struct ServerUrl(Url);

impl ServerUrl {
    pub fn join(&self, _path: &str) -> Result<Url, std::convert::Infallible> {
        Ok(self.0.clone())
    }
}

#[derive(CandidType)]
struct Create {
    amount: Option<candid::Nat>,
    specified_id: Option<Principal>,
}

#[derive(CandidType)]
struct TopUp {
    canister_id: Principal,
    amount: candid::Nat,
}

#[derive(CandidType)]
#[allow(non_camel_case_types)]
enum Mode {
    install,
}

#[derive(CandidType)]
struct Install {
    mode: Mode,
    canister_id: Principal,
    wasm_module: serde_bytes::ByteBuf,
    arg: serde_bytes::ByteBuf,
}

impl PocketIc {
    pub(crate) async fn fresh() -> Self {
        let snapshot = number("IC_HARNESS_JUDGED_SNAPSHOT");
        post("_/restore", format!("{{\"snapshot\": {snapshot}}}")).await;
        Self { instance_id: 0 }
    }

    pub fn get_server_url(&self) -> ServerUrl {
        ServerUrl(server())
    }

    pub async fn topology(&self) -> Topology {
        topology().await
    }

    /// Creates a canister that the anonymous principal controls. Errors carry the replica's answer.
    pub async fn create_canister_with_id(
        &self,
        _sender: Option<Principal>,
        _settings: Option<()>,
        canister_id: Principal,
    ) -> Result<Principal, String> {
        let argument = Create {
            amount: None,
            specified_id: Some(canister_id),
        };
        let method = "provisional_create_canister_with_cycles";
        call(
            canister_id,
            method,
            Encode!(&argument).expect("bug: a record encodes"),
        )
        .await?;
        Ok(canister_id)
    }

    pub async fn add_cycles(&self, canister_id: Principal, amount: u128) {
        let argument = TopUp {
            canister_id,
            amount: amount.into(),
        };
        let encoded = Encode!(&argument).expect("bug: a record encodes");
        call(canister_id, "provisional_top_up_canister", encoded)
            .await
            .expect("the top-up");
    }

    pub async fn install_canister(
        &self,
        canister_id: Principal,
        wasm_module: Vec<u8>,
        arg: Vec<u8>,
        _sender: Option<Principal>,
    ) {
        let argument = Install {
            mode: Mode::install,
            canister_id,
            wasm_module: wasm_module.into(),
            arg: arg.into(),
        };
        let encoded = Encode!(&argument).expect("bug: a record encodes");
        call(canister_id, "install_code", encoded)
            .await
            .expect("the installation");
    }
}

/// The id that management calls without a canister are sent under.
pub async fn get_default_effective_canister_id(_url: String) -> Result<Principal, String> {
    Ok(topology().await.default_effective_canister_id())
}
