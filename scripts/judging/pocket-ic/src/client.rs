//! Anonymous requests to the replica: its admin routes, and calls of the management canister.

use crate::common::rest::Topology;
use base64::prelude::{Engine, BASE64_STANDARD};
use candid::Principal;
use reqwest::{Client, Url};
use serde::Serialize;
use serde_bytes::Bytes;
use serde_cbor::Value;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Serialize)]
struct Envelope<'a> {
    content: Call<'a>,
}

/// The content of an anonymous call (interface specification, "Request: call").
#[derive(Serialize)]
struct Call<'a> {
    request_type: &'a str,
    sender: &'a Bytes,
    nonce: &'a Bytes,
    ingress_expiry: u64,
    canister_id: &'a Bytes,
    method_name: &'a str,
    arg: &'a Bytes,
}

pub fn server() -> Url {
    variable("IC_HARNESS_JUDGED_URL")
        .parse()
        .expect("IC_HARNESS_JUDGED_URL is a URL")
}

pub fn number(name: &str) -> u64 {
    variable(name)
        .parse()
        .unwrap_or_else(|_| panic!("{name} is a number"))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

pub fn from_base64(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).expect("base64")
}

pub async fn topology() -> Topology {
    let url = server()
        .join("_/topology")
        .expect("bug: a fixed path joins");
    let answer = Client::new()
        .get(url)
        .send()
        .await
        .expect("an answer of the replica");
    let body = answer.bytes().await.expect("the body of an answer");
    Topology(serde_json::from_slice(&body).expect("a topology in JSON"))
}

pub async fn post(path: &str, body: String) {
    let url = server().join(path).expect("bug: a fixed path joins");
    let answer = Client::new()
        .post(url)
        .body(body)
        .send()
        .await
        .expect("an answer of the replica");
    let status = answer.status();
    assert!(
        status.is_success(),
        "{path}: {status} {}",
        answer.text().await.unwrap_or_default()
    );
}

/// Calls a method of the management canister as the anonymous principal and waits for its reply.
pub async fn call(effective: Principal, method: &str, arg: Vec<u8>) -> Result<(), String> {
    let path = format!("api/v3/canister/{effective}/call");
    let url = server().join(&path).expect("bug: a principal is a path");
    let answer = Client::new()
        .post(url)
        .header("content-type", "application/cbor")
        .body(envelope(method, &arg))
        .send()
        .await
        .map_err(|error| error.to_string())?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    let fields: BTreeMap<String, Value> = serde_cbor::from_slice(&body)
        .map_err(|_| format!("{method}: {status} {}", String::from_utf8_lossy(&body)))?;
    match fields.get("status") {
        Some(Value::Text(text)) if text == "replied" => Ok(()),
        _ => Err(format!("{method}: {status} {fields:?}")),
    }
}

fn envelope(method: &str, arg: &[u8]) -> Vec<u8> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let nonce = now.as_nanos().to_be_bytes();
    let (sender, management) = (Principal::anonymous(), Principal::management_canister());
    let content = Call {
        request_type: "call",
        sender: Bytes::new(sender.as_slice()),
        nonce: Bytes::new(&nonce),
        ingress_expiry: (now + Duration::from_secs(240)).as_nanos() as u64,
        canister_id: Bytes::new(management.as_slice()),
        method_name: method,
        arg: Bytes::new(arg),
    };
    serde_cbor::to_vec(&Envelope { content }).expect("bug: an envelope encodes")
}
