//! Uses a server of PocketIC's interface by the crate `pocket-ic`, as Rust projects do.
//!
//! The one argument is a folder with `counter.wasm`, `forwarder.wasm` and `rust.wasm`; the server is the program that
//! `POCKET_IC_BIN` names. Prints a JSON object: the name of each case, and null or what went wrong.

use candid::{Decode, Encode, Nat, Principal};
use ic_management_canister_types::{CanisterInstallMode, HttpHeader, HttpMethod, HttpRequestArgs};
use pocket_ic::common::rest::{
    BlobCompression, CanisterHttpReply, CanisterHttpResponse, MockCanisterHttpResponse,
    RawEffectivePrincipal, SubnetKind,
};
use pocket_ic::{
    ErrorCode, IngressStatusResult, PocketIc, PocketIcBuilder, PocketIcState, RejectCode, Time,
};
use std::collections::BTreeMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::Duration;

const TRILLION: u128 = 1_000_000_000_000;
const OUTCALL_CYCLES: u64 = 500_000_000_000;

struct Modules(PathBuf);

impl Modules {
    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(format!("{name}.wasm"))).expect("the folder has the module")
    }

    fn counter(&self, pic: &PocketIc) -> Principal {
        let canister = pic.create_canister();
        pic.add_cycles(canister, 2 * TRILLION);
        pic.install_canister(canister, self.read("counter"), vec![], None);
        canister
    }

    fn rust_on(&self, pic: &PocketIc, canister: Principal, start: u64) {
        pic.add_cycles(canister, 2 * TRILLION);
        pic.install_canister(canister, self.read("rust"), Encode!(&start).unwrap(), None);
    }
}

fn increment(pic: &PocketIc, counter: Principal) -> u32 {
    let reply = pic
        .update_call(
            counter,
            Principal::anonymous(),
            "increment",
            Encode!().unwrap(),
        )
        .unwrap();
    Decode!(&reply, u32).unwrap()
}

fn get(pic: &PocketIc, counter: Principal) -> u32 {
    let reply = pic
        .query_call(counter, Principal::anonymous(), "get", Encode!().unwrap())
        .unwrap();
    Decode!(&reply, u32).unwrap()
}

fn life(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    assert_eq!(
        (
            increment(&pic, counter),
            increment(&pic, counter),
            get(&pic, counter)
        ),
        (1, 2, 2)
    );
    assert!(pic
        .canister_status(counter, None)
        .unwrap()
        .module_hash
        .is_some());
    pic.upgrade_canister(counter, modules.read("counter"), vec![], None)
        .unwrap();
    assert_eq!(get(&pic, counter), 0);
    pic.uninstall_canister(counter, None).unwrap();
    assert!(pic
        .canister_status(counter, None)
        .unwrap()
        .module_hash
        .is_none());
    pic.stop_canister(counter, None).unwrap();
    pic.delete_canister(counter, None).unwrap();
    assert!(!pic.canister_exists(counter));
    assert!(pic.get_subnet(counter).is_none());
}

fn time(modules: &Modules) {
    let pic = PocketIc::new();
    modules.counter(&pic);
    let wanted = Time::from_nanos_since_unix_epoch(1_650_000_000_000_000_000);
    pic.set_time(wanted);
    assert_eq!(pic.get_time(), wanted);
    pic.tick();
    assert_eq!(pic.get_time(), wanted);
    pic.tick();
    assert_eq!(pic.get_time(), wanted + Duration::from_nanos(1));
    pic.advance_time(Duration::from_secs(420));
    let later = wanted + Duration::from_nanos(1) + Duration::from_secs(420);
    assert_eq!(pic.get_time(), later);
    pic.set_certified_time(later + Duration::from_secs(1));
    assert_eq!(pic.get_time(), later + Duration::from_secs(1));
    let past = catch_unwind(AssertUnwindSafe(|| pic.set_time(wanted))).unwrap_err();
    assert!(text(&*past).contains("SettingTimeIntoPast"));
}

fn rejects(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    let trapped = pic
        .update_call(counter, Principal::anonymous(), "trap", vec![])
        .unwrap_err();
    assert_eq!(
        (trapped.reject_code, trapped.error_code, trapped.certified),
        (RejectCode::CanisterError, ErrorCode::CanisterTrapped, true)
    );
    let missing = pic
        .query_call(counter, Principal::anonymous(), "nothing", vec![])
        .unwrap_err();
    assert_eq!(
        (missing.error_code, missing.certified),
        (ErrorCode::CanisterMethodNotFound, false)
    );
    let empty = pic.create_canister_with_settings(None, None);
    let without = pic
        .update_call(empty, Principal::anonymous(), "x", vec![])
        .unwrap_err();
    assert_eq!(without.error_code, ErrorCode::CanisterWasmModuleNotFound);
}

fn ingress_status(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    let caller = Principal::from_slice(&[0xff; 29]);
    let call = pic
        .submit_call(counter, caller, "increment", Encode!().unwrap())
        .unwrap();
    assert!(pic.ingress_status(call.clone()).is_none());
    assert!(matches!(
        pic.ingress_status_as(call.clone(), Principal::anonymous()),
        IngressStatusResult::NotAvailable
    ));
    pic.tick();
    assert!(pic.ingress_status(call.clone()).unwrap().is_ok());
    assert!(matches!(
        pic.ingress_status_as(call, Principal::anonymous()),
        IngressStatusResult::Forbidden(_)
    ));
}

fn cycles(modules: &Modules) {
    let pic = PocketIcBuilder::new()
        .with_application_subnet()
        .with_fiduciary_subnet()
        .build();
    let topology = pic.topology();
    let mut paid = vec![];
    for subnet in [
        topology.get_app_subnets()[0],
        topology.get_fiduciary().unwrap(),
    ] {
        let canister = pic.create_canister_on_subnet(None, None, subnet);
        let before = pic.add_cycles(canister, 100 * TRILLION);
        assert_eq!(pic.cycle_balance(canister), before);
        pic.install_canister(canister, modules.read("counter"), vec![], None);
        paid.push(before - pic.cycle_balance(canister));
    }
    assert!(paid[0] > 0 && paid[1] > 2 * paid[0], "{paid:?}");
}

fn stable_memory(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    pic.set_stable_memory(
        counter,
        b"deadbeef".to_vec(),
        BlobCompression::NoCompression,
    );
    assert_eq!(pic.get_stable_memory(counter)[..8], b"deadbeef"[..]);
}

fn topology(_: &Modules) {
    let pic = PocketIcBuilder::new()
        .with_nns_subnet()
        .with_sns_subnet()
        .with_ii_subnet()
        .with_fiduciary_subnet()
        .with_bitcoin_subnet()
        .with_system_subnet()
        .with_application_subnet()
        .with_verified_application_subnet()
        .with_benchmarking_application_subnet()
        .build();
    let topology = pic.topology();
    assert_eq!(
        (
            topology.subnet_configs.len(),
            topology.get_app_subnets().len()
        ),
        (9, 2)
    );
    let canister = pic.create_canister();
    let subnet = pic.get_subnet(canister).unwrap();
    assert_eq!(
        topology.subnet_configs[&subnet].subnet_kind,
        SubnetKind::Application
    );
    assert_eq!(topology.get_subnet(canister), Some(subnet));
    assert!(pic.root_key().is_some());
    let identity = Principal::from_text("rdmx6-jaaaa-aaaaa-aaadq-cai").unwrap();
    assert_eq!(
        pic.create_canister_with_id(None, None, identity).unwrap(),
        identity
    );
    assert_eq!(pic.get_subnet(identity), topology.get_ii());
    assert!(pic.create_canister_with_id(None, None, identity).is_err());
    let refused = pic
        .create_canister_with_id(None, None, canister)
        .unwrap_err();
    assert!(
        refused.contains("belongs to the canister allocation ranges"),
        "{refused}"
    );
    assert!(PocketIc::new().root_key().is_none());
}

fn calls_between_subnets(modules: &Modules) {
    let pic = PocketIcBuilder::new()
        .with_application_subnet()
        .with_application_subnet()
        .build();
    let subnets = pic.topology().get_app_subnets();
    let mut canisters: Vec<_> = subnets
        .iter()
        .map(|one| pic.create_canister_on_subnet(None, None, *one))
        .collect();
    for id in ["rimrc-piaaa-aaaao-aaljq-cai", "ghsi2-tqaaa-aaaan-aaaca-cai"] {
        let wanted = Principal::from_text(id).unwrap();
        canisters.push(pic.create_canister_with_id(None, None, wanted).unwrap());
    }
    assert_eq!(pic.topology().get_bitcoin(), pic.get_subnet(canisters[3]));
    for (number, canister) in canisters.iter().enumerate() {
        modules.rust_on(&pic, *canister, number as u64 + 70);
    }
    for from in &canisters {
        for (number, to) in canisters.iter().enumerate() {
            let arguments = Encode!(
                to,
                &"get",
                &Encode!().unwrap(),
                &Nat::from(0u8),
                &None::<u32>
            )
            .unwrap();
            let reply = pic
                .update_call(*from, Principal::anonymous(), "forward", arguments)
                .unwrap();
            assert!(
                reply.ends_with(&(number as u64 + 70).to_le_bytes()),
                "{number}: {reply:?}"
            );
        }
    }
}

fn metrics(modules: &Modules) {
    let pic = PocketIc::new();
    let subnet = pic.topology().get_app_subnets()[0];
    assert!(pic
        .get_subnet_metrics(Principal::management_canister())
        .is_none());
    modules.counter(&pic);
    assert_eq!(pic.get_subnet_metrics(subnet).unwrap().num_canisters, 1);
}

fn snapshots(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    increment(&pic, counter);
    assert!(pic
        .list_canister_snapshots(counter, None)
        .unwrap()
        .is_empty());
    pic.stop_canister(counter, None).unwrap();
    let first = pic.take_canister_snapshot(counter, None, None).unwrap();
    pic.start_canister(counter, None).unwrap();
    assert_eq!(increment(&pic, counter), 2);
    pic.stop_canister(counter, None).unwrap();
    pic.load_canister_snapshot(counter, None, first.id.clone())
        .unwrap();
    pic.start_canister(counter, None).unwrap();
    assert_eq!(get(&pic, counter), 1);
    let second = pic
        .take_canister_snapshot(counter, None, Some(first.id))
        .unwrap();
    let kept = pic.list_canister_snapshots(counter, None).unwrap();
    assert_eq!((kept.len(), &kept[0].id), (1, &second.id));
    pic.delete_canister_snapshot(counter, None, second.id)
        .unwrap();
    assert!(pic
        .list_canister_snapshots(counter, None)
        .unwrap()
        .is_empty());
}

fn chunks(modules: &Modules) {
    let pic = PocketIc::new();
    let (store, target) = (modules.counter(&pic), pic.create_canister());
    let mut first = modules.read("counter");
    let second = first.split_off(first.len() / 2);
    let hashes: Vec<_> = [first, second]
        .into_iter()
        .map(|part| pic.upload_chunk(store, None, part).unwrap())
        .collect();
    assert_eq!(pic.stored_chunks(store, None).unwrap().len(), 2);
    let module_hash = pic
        .canister_status(store, None)
        .unwrap()
        .module_hash
        .unwrap();
    pic.install_chunked_canister(
        target,
        None,
        CanisterInstallMode::Install,
        store,
        hashes,
        module_hash,
        vec![],
    )
    .unwrap();
    assert_eq!(increment(&pic, target), 1);
    pic.clear_chunk_store(store, None).unwrap();
    assert!(pic.stored_chunks(store, None).unwrap().is_empty());
}

fn logs(modules: &Modules) {
    let pic = PocketIc::new();
    let counter = modules.counter(&pic);
    increment(&pic, counter);
    let lines = pic
        .fetch_canister_logs(counter, Principal::anonymous())
        .unwrap();
    assert_eq!(
        lines
            .iter()
            .map(|line| line.content.clone())
            .collect::<Vec<_>>(),
        [b"counted".to_vec()]
    );
}

/// Submits a call that makes an outcall; returns what it waits for and the number of nodes that must answer.
fn outcall(modules: &Modules, pic: &PocketIc) -> pocket_ic::common::rest::RawMessageId {
    let forwarder = pic.create_canister();
    pic.add_cycles(forwarder, 10 * TRILLION);
    pic.install_canister(forwarder, modules.read("forwarder"), vec![], None);
    let request = HttpRequestArgs {
        url: "https://example.com/".to_string(),
        max_response_bytes: Some(1000),
        method: HttpMethod::GET,
        headers: vec![HttpHeader {
            name: "x-asked".to_string(),
            value: "yes".to_string(),
        }],
        body: None,
        transform: None,
        is_replicated: None,
    };
    let mut argument = OUTCALL_CYCLES.to_le_bytes().to_vec();
    argument.push("http_request".len() as u8);
    argument.extend(b"http_request");
    argument.extend(Encode!(&request).unwrap());
    let call = pic
        .submit_call(forwarder, Principal::anonymous(), "forward", argument)
        .unwrap();
    pic.tick();
    pic.tick();
    call
}

fn reply(body: &[u8]) -> CanisterHttpResponse {
    CanisterHttpResponse::CanisterHttpReply(CanisterHttpReply {
        status: 200,
        headers: vec![],
        body: body.to_vec(),
    })
}

fn outcalls(modules: &Modules) {
    let pic = PocketIc::new();
    let call = outcall(modules, &pic);
    let pending = pic.get_canister_http();
    assert_eq!(
        (
            pending.len(),
            pending[0].url.as_str(),
            pending[0].headers.len()
        ),
        (1, "https://example.com/", 1)
    );
    let (subnet_id, request_id) = (pending[0].subnet_id, pending[0].request_id);
    let mock = |additional_responses| MockCanisterHttpResponse {
        subnet_id,
        request_id,
        response: reply(b"hello"),
        additional_responses,
    };
    let wrong = catch_unwind(AssertUnwindSafe(|| {
        pic.mock_canister_http_response(mock(vec![reply(b"hello")]))
    }))
    .unwrap_err();
    assert!(text(&*wrong).contains("InvalidMockCanisterHttpResponses((2, 13))"));
    pic.mock_canister_http_response(mock(vec![]));
    assert!(pic.get_canister_http().is_empty());
    let answer = pic.await_call(call).unwrap();
    assert!(answer.windows(5).any(|part| part == b"hello"), "{answer:?}");
}

fn outcalls_time_out(modules: &Modules) {
    let pic = PocketIc::new();
    let call = outcall(modules, &pic);
    assert_eq!(pic.get_canister_http().len(), 1);
    pic.advance_time(Duration::from_secs(180));
    pic.tick();
    assert!(pic.get_canister_http().is_empty());
    let answer = pic.await_call(call).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer[2..]),
        "Canister http request timed out"
    );
}

fn states(modules: &Modules) {
    let pic = PocketIcBuilder::new()
        .with_application_subnet()
        .with_state(PocketIcState::new())
        .build();
    let counter = modules.counter(&pic);
    increment(&pic, counter);
    let time = pic.get_time();
    let state = pic.drop_and_take_state().unwrap();
    let again = PocketIcBuilder::new().with_state(state).build();
    assert_eq!(again.get_time(), time + Duration::from_nanos(2));
    assert_eq!(increment(&again, counter), 2);
    let specified = Principal::from_text("rimrc-piaaa-aaaao-aaljq-cai").unwrap();
    again
        .create_canister_with_id(None, None, specified)
        .unwrap();
    let state = again.drop_and_take_state().unwrap();
    for _ in 0..2 {
        let copy = PocketIcBuilder::new().with_read_only_state(&state).build();
        assert_eq!(increment(&copy, counter), 3);
        assert!(copy.canister_exists(specified));
    }
}

fn instances(modules: &Modules) {
    let pic = PocketIc::new();
    let number = pic.instance_id();
    assert_eq!(PocketIc::list_instances()[number], "Available");
    let counter = modules.counter(&pic);
    let handle = PocketIc::new_from_existing_instance(pic.get_server_url(), number, None);
    assert_eq!(increment(&handle, counter), 1);
    drop(handle);
    assert_eq!(increment(&pic, counter), 2);
    drop(pic);
    assert_eq!(PocketIc::list_instances()[number], "Deleted");
}

fn live(modules: &Modules) {
    let mut pic = PocketIcBuilder::new()
        .with_nns_subnet()
        .with_application_subnet()
        .build();
    let counter = modules.counter(&pic);
    let url = pic.make_live(None);
    assert_eq!(pic.make_live(None), url);
    assert!(pic.auto_progress_enabled());
    let effective = pocket_ic::get_default_effective_canister_id(url.to_string()).unwrap();
    assert_eq!(
        pic.get_subnet(effective),
        Some(pic.topology().get_app_subnets()[0])
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let module_hash = runtime.block_on(async {
        let agent = ic_agent::Agent::builder().with_url(url).build().unwrap();
        agent.fetch_root_key().await.unwrap();
        let reply = agent
            .update(&counter, "increment")
            .with_arg(Encode!().unwrap())
            .await
            .unwrap();
        assert_eq!(Decode!(&reply, u32).unwrap(), 1);
        let reply = agent
            .query(&counter, "get")
            .with_arg(Encode!().unwrap())
            .await
            .unwrap();
        assert_eq!(Decode!(&reply, u32).unwrap(), 1);
        agent
            .read_state_canister_module_hash(counter)
            .await
            .unwrap()
    });
    assert_eq!(module_hash.len(), 32);
    let call = pic
        .submit_call(
            counter,
            Principal::anonymous(),
            "increment",
            Encode!().unwrap(),
        )
        .unwrap();
    assert!(pic.await_call_no_ticks(call).is_ok());
    pic.stop_live();
    assert!(!pic.auto_progress_enabled());
}

fn management_by_effective_id(_: &Modules) {
    let pic = PocketIcBuilder::new()
        .with_nns_subnet()
        .with_application_subnet()
        .build();
    let nns = pic.topology().get_nns().unwrap();
    let argument =
        Encode!(&ic_management_canister_types::ProvisionalCreateCanisterWithCyclesArgs::default())
            .unwrap();
    let reply = pic
        .update_call_with_effective_principal(
            Principal::management_canister(),
            RawEffectivePrincipal::SubnetId(nns.as_slice().to_vec()),
            Principal::anonymous(),
            "provisional_create_canister_with_cycles",
            argument,
        )
        .unwrap();
    let created = Decode!(&reply, ic_management_canister_types::CanisterIdRecord)
        .unwrap()
        .canister_id;
    assert_eq!(pic.get_subnet(created), Some(nns));
}

fn text(problem: &(dyn std::any::Any + Send)) -> String {
    let owned = problem.downcast_ref::<String>().cloned();
    owned
        .or_else(|| problem.downcast_ref::<&str>().map(|one| one.to_string()))
        .unwrap_or_else(|| "a panic".to_string())
}

type Case = (&'static str, fn(&Modules));

const CASES: &[Case] = &[
    ("life", life),
    ("time", time),
    ("rejects", rejects),
    ("ingress_status", ingress_status),
    ("cycles", cycles),
    ("stable_memory", stable_memory),
    ("topology", topology),
    ("calls_between_subnets", calls_between_subnets),
    ("metrics", metrics),
    ("snapshots", snapshots),
    ("chunks", chunks),
    ("logs", logs),
    ("outcalls", outcalls),
    ("outcalls_time_out", outcalls_time_out),
    ("states", states),
    ("instances", instances),
    ("live", live),
    ("management_by_effective_id", management_by_effective_id),
];

fn main() {
    let modules = Modules(PathBuf::from(
        std::env::args().nth(1).expect("the folder of the modules"),
    ));
    let results: BTreeMap<_, _> = CASES
        .iter()
        .map(|(name, case)| {
            (
                *name,
                catch_unwind(AssertUnwindSafe(|| case(&modules)))
                    .err()
                    .map(|found| text(&*found)),
            )
        })
        .collect();
    println!("{}", serde_json::to_string(&results).unwrap());
}
