//! A canister's life by ic-utils' management canister: create, install, upgrade, stop, delete.

use crate::{agent_for, outcome, update, Answer, Request};
use candid::{encode_one, Nat, Principal};
use ic_agent::identity::BasicIdentity;
use ic_agent::{Agent, AgentError, Identity};
use ic_utils::call::AsyncCall;
use ic_utils::interfaces::management_canister::builders::{CanisterInstallMode, UpgradeFlags, WasmMemoryPersistence};
use ic_utils::interfaces::ManagementCanister;
use serde_json::{json, Value};

async fn status(management: &ManagementCanister<'_>, id: &Principal) -> Result<Value, AgentError> {
    let (status,) = management.canister_status(id).as_update().call().await?;
    let (asked,) = management.canister_status(id).call().await?;
    let controllers: Vec<_> = status.settings.controllers.iter().map(Principal::to_text).collect();
    Ok(json!({
        "status": format!("{:?}", status.status).to_lowercase(),
        "by_query": format!("{:?}", asked.status).to_lowercase(),
        "hash": status.module_hash.map(hex::encode),
        "controllers": controllers,
    }))
}

async fn install(agent: &Agent, id: &Principal, path: &str, mode: CanisterInstallMode) -> Result<(), AgentError> {
    let wasm = std::fs::read(path).expect("the request names a module");
    let arg = encode_one(Nat::from(40u8)).expect("bug: a number encodes");
    let management = ManagementCanister::create(agent);
    management.install_code(id, &wasm).with_mode(mode).with_raw_arg(arg).build()?.call_and_wait().await?;
    Ok(())
}

pub async fn life(request: &Request) -> Answer {
    let identity = BasicIdentity::from_raw_key(&[9; 32]);
    let principal = identity.sender().expect("an identity knows its principal").to_text();
    let agent = agent_for(request, identity).await;
    let management = ManagementCanister::create(&agent);
    let create = management.create_canister().as_provisional_create_with_amount(None);
    let near = Principal::from_text("rwlgt-iiaaa-aaaaa-aaaaa-cai").expect("a valid principal");
    let (id,) = create.with_effective_canister_id(near).call_and_wait().await?;
    let empty = status(&management, &id).await?;
    install(&agent, &id, &request.wasm, CanisterInstallMode::Install).await?;
    let counted: Nat = update(&agent, id, "increment").await?;
    let flags = UpgradeFlags { skip_pre_upgrade: None, wasm_memory_persistence: Some(WasmMemoryPersistence::Keep) };
    install(&agent, &id, &request.next_wasm, CanisterInstallMode::Upgrade(request.keep.then_some(flags))).await?;
    let upgraded: Nat = update(&agent, id, "increment").await?;
    management.stop_canister(&id).await?;
    let stopped = status(&management, &id).await?;
    let refused = outcome(update::<Nat>(&agent, id, "increment").await);
    management.delete_canister(&id).await?;
    let removed = outcome(management.canister_status(&id).call().await.map(|_| "there"));
    Ok(json!({
        "principal": principal, "empty": empty, "counted": counted.to_string(), "upgraded": upgraded.to_string(),
        "stopped": stopped, "refused": refused, "removed": removed,
    }))
}
