//! ic-agent and ic-utils as judges: reads {scenario, host, …} from standard input, prints the result as JSON.
//!
//! Everything that ic-agent verifies by default stays on: certificates, delegation of the subnet, query signatures.

mod life;

use candid::{encode_args, decode_one, CandidType, Decode, Encode, Int, Nat, Principal};
use ic_agent::identity::{
    AnonymousIdentity, BasicIdentity, DelegatedIdentity, Delegation, Prime256v1Identity, Secp256k1Identity,
    SignedDelegation,
};
use ic_agent::{Agent, AgentError, Identity};
use serde::Deserialize;
use serde_json::{json, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a scenario is told.
#[derive(Deserialize)]
pub struct Request {
    scenario: String,
    host: String,
    #[serde(default)]
    canister: String,
    #[serde(default)]
    absent: String,
    #[serde(default)]
    subnet: String,
    #[serde(default)]
    root_key: String,
    #[serde(default)]
    pub wasm: String,
    #[serde(default)]
    pub next_wasm: String,
    #[serde(default)]
    pub keep: bool,
}

impl Request {
    fn id(&self) -> Principal {
        Principal::from_text(&self.canister).expect("the request names a canister")
    }
}

pub type Answer = Result<Value, AgentError>;

pub async fn agent_for(request: &Request, identity: impl Identity + 'static) -> Agent {
    let agent = Agent::builder().with_url(&request.host).with_identity(identity).build().expect("a valid URL");
    agent.fetch_root_key().await.expect("the status endpoint names the root key");
    agent
}

async fn query<T: CandidType + for<'a> candid::Deserialize<'a>>(agent: &Agent, id: Principal, method: &str) -> Result<T, AgentError> {
    let reply = agent.query(&id, method).with_arg(Encode!().expect("bug: () encodes")).call().await?;
    Ok(Decode!(&reply, T).expect("the reply has the type of the interface"))
}

pub async fn update<T: CandidType + for<'a> candid::Deserialize<'a>>(agent: &Agent, id: Principal, method: &str) -> Result<T, AgentError> {
    let reply = agent.update(&id, method).with_arg(Encode!().expect("bug: () encodes")).call_and_wait().await?;
    Ok(decode_one(&reply).expect("the reply has the type of the interface"))
}

/// What an error tells, in the words that the other judges use too.
pub fn told(error: &AgentError) -> Value {
    let (kind, reject) = match error {
        AgentError::CertifiedReject { reject, .. } => ("CertifiedReject", Some(reject)),
        AgentError::UncertifiedReject { reject, .. } => ("UncertifiedReject", Some(reject)),
        AgentError::HttpError(payload) => {
            let text = String::from_utf8_lossy(&payload.content).to_string();
            return json!({"kind": "HttpError", "status": payload.status, "message": text});
        }
        _ => ("other", None),
    };
    match reject {
        Some(reject) => json!({"kind": kind, "reject_code": reject.reject_code as u8,
            "reject_message": reject.reject_message, "error_code": reject.error_code}),
        None => json!({"kind": format!("{error:?}").split(['(', ' ', '{']).next(), "message": error.to_string()}),
    }
}

pub fn outcome<T: ToString>(result: Result<T, AgentError>) -> Value {
    match result {
        Ok(value) => json!({"ok": value.to_string()}),
        Err(error) => json!({"error": told(&error)}),
    }
}

async fn round_trip(request: &Request) -> Answer {
    let (agent, id) = (agent_for(request, BasicIdentity::from_raw_key(&[7; 32])).await, request.id());
    let before: Nat = query(&agent, id, "get").await?;
    let incremented: Nat = update(&agent, id, "increment").await?;
    let arg = encode_args(("Grüße", Int::from(-5), Some(7u8), vec![0u8, 255, 1])).expect("bug: encodes");
    let reply = agent.query(&id, "echo").with_arg(arg.clone()).call().await?;
    Ok(json!({"before": before.to_string(), "incremented": incremented.to_string(), "echoed": reply == arg}))
}

async fn refusals(request: &Request) -> Answer {
    let (agent, id) = (agent_for(request, BasicIdentity::from_raw_key(&[8; 32])).await, request.id());
    let absent = Principal::from_text(&request.absent).expect("the request names an absent canister");
    Ok(json!({
        "by_assert": outcome(update::<Nat>(&agent, id, "fail_by_assert").await),
        "by_throw": outcome(update::<Nat>(&agent, id, "fail_by_throw").await),
        "in_query": outcome(query::<Nat>(&agent, id, "fail_in_query").await),
        "no_update": outcome(update::<Nat>(&agent, id, "no_such_update").await),
        "no_query": outcome(query::<Nat>(&agent, id, "no_such_query").await),
        "no_canister_update": outcome(update::<Nat>(&agent, absent, "increment").await),
        "no_canister_query": outcome(query::<Nat>(&agent, absent, "get").await),
    }))
}

fn p256() -> Prime256v1Identity {
    Prime256v1Identity::from_private_key(p256::SecretKey::from_slice(&[5; 32]).expect("a valid scalar"))
}

fn secp256k1() -> Secp256k1Identity {
    Secp256k1Identity::from_private_key(k256::SecretKey::from_slice(&[6; 32]).expect("a valid scalar"))
}

async fn seen(request: &Request, identity: impl Identity + 'static) -> Value {
    let expected = identity.sender().expect("an identity knows its principal").to_text();
    let (agent, id) = (agent_for(request, identity).await, request.id());
    let by_query = outcome(query::<Principal>(&agent, id, "whoami").await);
    let by_update = outcome(update::<Principal>(&agent, id, "whoami_update").await);
    json!({"expected": expected, "query": by_query, "update": by_update})
}

async fn callers(request: &Request) -> Answer {
    Ok(json!({
        "anonymous": seen(request, AnonymousIdentity).await,
        "ed25519": seen(request, BasicIdentity::from_raw_key(&[4; 32])).await,
        "secp256k1": seen(request, secp256k1()).await,
        "p256": seen(request, p256()).await,
    }))
}

fn delegated(targets: Option<Vec<Principal>>, expires_s: i64) -> DelegatedIdentity {
    let (root, session) = (secp256k1(), p256());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let expiration = Duration::from_secs((now + expires_s) as u64).as_nanos() as u64;
    let pubkey = session.public_key().expect("a session has a key");
    let delegation = Delegation { pubkey, expiration, targets, permissions: None };
    let signature = root.sign_delegation(&delegation).expect("a key signs").signature.expect("a signature");
    let from = root.public_key().expect("a root has a key");
    DelegatedIdentity::new_unchecked(from, Box::new(session), vec![SignedDelegation { delegation, signature }])
}

async fn delegations(request: &Request) -> Answer {
    let other = Principal::management_canister();
    Ok(json!({
        "root": secp256k1().sender().expect("an identity knows its principal").to_text(),
        "one_link": seen(request, delegated(None, 3600)).await,
        "right_target": seen(request, delegated(Some(vec![request.id()]), 3600)).await,
        "wrong_target": seen(request, delegated(Some(vec![other]), 3600)).await,
        "expired": seen(request, delegated(None, -3600)).await,
    }))
}

async fn state(request: &Request) -> Answer {
    let (agent, id) = (agent_for(request, BasicIdentity::from_raw_key(&[3; 32])).await, request.id());
    let subnet = Principal::from_text(&request.subnet).expect("the request names the subnet");
    let controllers = agent.read_state_canister_controllers(id).await?;
    let did = agent.read_state_canister_metadata(id, "candid:service").await?;
    let ranges = agent.read_state_subnet_canister_ranges(subnet).await?;
    let found = agent.fetch_subnet_by_canister(&id).await?;
    Ok(json!({
        "module_hash": hex::encode(agent.read_state_canister_module_hash(id).await?),
        "controllers": controllers.iter().map(Principal::to_text).collect::<Vec<_>>(),
        "candid": String::from_utf8_lossy(&did),
        "absent_metadata": outcome(agent.read_state_canister_metadata(id, "nothing").await.map(|_| "found")),
        "ranges": ranges.iter().map(|(low, high)| json!([low.to_text(), high.to_text()])).collect::<Vec<_>>(),
        "subnet": found.id().to_text(),
        "in_subnet": found.contains_canister(&id),
        "nodes": found.iter_nodes().count(),
        "metrics": agent.read_state_subnet_metrics(subnet).await?.num_canisters,
    }))
}

async fn wrong_root_key(request: &Request) -> Answer {
    let agent = agent_for(request, AnonymousIdentity).await;
    agent.set_root_key(hex::decode(&request.root_key).expect("hexadecimal"));
    let id = request.id();
    Ok(json!({
        "update": outcome(update::<Nat>(&agent, id, "increment").await),
        "query": outcome(query::<Nat>(&agent, id, "get").await),
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let request: Request = serde_json::from_reader(std::io::stdin()).expect("a request as JSON");
    let answer = match request.scenario.as_str() {
        "round_trip" => round_trip(&request).await,
        "refusals" => refusals(&request).await,
        "callers" => callers(&request).await,
        "delegations" => delegations(&request).await,
        "state" => state(&request).await,
        "wrong_root_key" => wrong_root_key(&request).await,
        "life" => life::life(&request).await,
        other => panic!("no scenario is called {other}"),
    };
    println!("{}", answer.unwrap_or_else(|error| json!({"failed": told(&error)})));
}
