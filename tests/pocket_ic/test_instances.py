"""What instances do, over the wire: canisters, rounds, time, cycles, memory, subnets, live mode."""

from __future__ import annotations

import base64
import gc
import gzip
import hashlib
import math
import re
import threading
from pathlib import Path

import httpx
import pytest

from ic_harness.candid import encode
from ic_harness.networks import connect
from ic_harness.pocket_ic import PocketIcService, ServerOptions
from ic_harness.principal import Principal
from tests.networks.conftest import COUNTER

from .conftest import ANONYMOUS, METHODS, Client, b64, wat

FIRST = bytes.fromhex("ffffffffffe000000101")
GENESIS = 1_620_328_630_000_000_000
YEAR = 365 * 24 * 3600 * 10**9
NNS = {"nns": {"state_config": "New"}, "application": [{"state_config": "New"}]}


@pytest.fixture
def counter(instance):
    """A counter on the instance."""
    return instance.install(wat(COUNTER))


def reply(answer):
    """The bytes of an answer's `Ok`."""
    return base64.b64decode(answer["Ok"])


def test_calls_run_in_rounds(instance, counter):
    """A call that was submitted is answered by the next round, and by nothing before."""
    assert counter == FIRST
    submitted = instance.submit(counter, "increment")["Ok"]
    status = {"raw_message_id": submitted, "raw_caller": b64(ANONYMOUS)}
    assert instance.post("read/ingress_status", status) is None
    instance.post("update/tick", {})
    assert reply(instance.post("read/ingress_status", status)).endswith(b"\1\0\0\0")
    assert reply(instance.post("update/await_ingress_message", submitted)).endswith(b"\1\0\0\0")
    assert reply(instance.query(counter, "get")).endswith(b"\1\0\0\0")


def test_calls_of_others_are_not_shown(instance, counter):
    """The answer to a call is for its sender, when a caller is named; before there is one no caller is refused."""
    submitted = instance.submit(counter, "increment")["Ok"]
    other = {"raw_message_id": submitted, "raw_caller": {"principal_id": b64(b"\1\1")}}
    assert instance.post("read/ingress_status", other) is None
    instance.post("update/tick", {})
    refused = instance.post("read/ingress_status", other, status=403)
    assert refused["message"] == "The user tries to access Request ID not signed by the caller."


def test_rejects_have_names(instance, counter):
    """Reject codes and error codes are names, and say whether a round decided."""
    trapped = instance.call(counter, "trap")["Err"]
    assert (trapped["reject_code"], trapped["error_code"], trapped["certified"]) == (
        "CanisterError",
        "CanisterTrapped",
        True,
    )
    missing = instance.query(counter, "nothing")["Err"]
    assert (missing["error_code"], missing["certified"]) == ("CanisterMethodNotFound", False)
    empty = instance.create_canister()
    assert instance.submit(empty, "nothing")["Err"]["error_code"] == "CanisterWasmModuleNotFound"


def test_unknown_canisters_are_refused(instance):
    """A canister of no subnet, and one that does not exist, are told apart as PocketIC does."""
    foreign = instance.query(ANONYMOUS, "get", status=400)["message"]
    assert foreign == 'BadIngressMessage("Canister 2vxsx-fae does not belong to any subnet.")'
    assert instance.query(FIRST, "get")["Err"]["error_code"] == "CanisterNotFound"
    for operation in ("get_cycles", "get_controllers", "get_stable_memory"):
        message = instance.post(f"read/{operation}", {"canister_id": b64(FIRST)}, status=400)["message"]
        assert message == "CanisterNotFound(CanisterId(lxzze-o7777-77777-aaaaa-cai))"


def test_time_is_in_the_hands_of_the_client(instance, counter):
    """Set time is told at once, certified by the next round, and never goes back."""
    wanted = GENESIS + YEAR
    instance.post("update/set_time", {"nanos_since_epoch": wanted})
    assert instance.time() == wanted
    instance.post("update/tick", {})
    assert instance.time() == wanted
    instance.post("update/tick", {})
    assert instance.time() == wanted + 1
    instance.post("update/set_certified_time", {"nanos_since_epoch": wanted + YEAR})
    assert instance.time() == wanted + YEAR
    past = instance.post("update/set_time", {"nanos_since_epoch": 5}, status=400)["message"]
    assert past == f"SettingTimeIntoPast(({wanted + YEAR}, 5))"
    instance.post("update/set_time", {"nanos_since_epoch": wanted + YEAR})


def test_queries_see_the_time_of_the_last_round(instance):
    """A time that no round took is not seen by queries."""
    clock = instance.install(
        wat("""(module (import "ic0" "time" (func $time (result i64))) (import "ic0" "msg_reply" (func $reply))
        (import "ic0" "msg_reply_data_append" (func $append (param i32 i32))) (memory 1)
        (func (export "canister_query now") (i64.store (i32.const 0) (call $time))
          (call $append (i32.const 0) (i32.const 8)) (call $reply)))""")
    )

    def seen():
        return int.from_bytes(reply(instance.query(clock, "now")), "little")

    before = seen()
    instance.post("update/set_time", {"nanos_since_epoch": GENESIS + YEAR})
    assert seen() == before
    instance.post("update/tick", {})
    assert seen() == GENESIS + YEAR
    instance.post("update/set_certified_time", {"nanos_since_epoch": GENESIS + 2 * YEAR})
    assert seen() == GENESIS + 2 * YEAR


def test_cycles_and_controllers(instance, counter):
    """Balances are exact, also beyond 64 bits."""
    before = instance.post("read/get_cycles", {"canister_id": b64(counter)})["cycles"]
    added = instance.post("update/add_cycles", {"canister_id": b64(counter), "amount": 1 << 100})
    assert (
        added
        == {"cycles": before + (1 << 100)}
        == instance.post("read/get_cycles", {"canister_id": b64(counter)})
    )
    controllers = instance.post("read/get_controllers", {"canister_id": b64(counter)})
    assert controllers == [{"principal_id": b64(ANONYMOUS)}]


@pytest.mark.parametrize("compressed", [False, True])
def test_stable_memory_comes_from_the_blob_store(client, instance, counter, compressed):
    """A blob becomes stable memory, unpacked by its own encoding, and is padded to pages."""
    content = gzip.compress(b"stable") if compressed else b"stable"
    headers = {"content-encoding": "gzip"} if compressed else {}
    key = client.http.post("/blobstore", content=content, headers=headers).text
    assert key == hashlib.sha256(content).hexdigest()
    blob = {"canister_id": b64(counter), "blob_id": b64(bytes.fromhex(key))}
    assert instance.post("update/set_stable_memory", blob) is None
    found = base64.b64decode(instance.post("read/get_stable_memory", {"canister_id": b64(counter)})["blob"])
    assert (found[:6], len(found)) == (b"stable", 65536)
    with client.http.stream("GET", f"/blobstore/{key}") as answer:
        assert b"".join(answer.iter_raw()) == content


def test_subnets_have_kinds_and_ranges(client):
    """Canisters are created in the range of the subnet that is named, else on the application subnet."""
    made = client.create(NNS)
    by_kind = {config["subnet_kind"]: name for name, config in made.topology["subnet_configs"].items()}
    assert set(by_kind) == {"NNS", "Application"}
    nns = Principal.from_text(by_kind["NNS"]).raw
    on_nns = made.create_canister({"SubnetId": b64(nns)})
    anywhere = made.create_canister()
    found = [
        made.post("read/get_subnet", {"canister_id": b64(one)})["subnet_id"] for one in (on_nns, anywhere)
    ]
    assert found == [b64(nns), b64(Principal.from_text(by_kind["Application"]).raw)]
    assert made.post("read/get_subnet", {"canister_id": b64(FIRST[:7] + b"\5\1\1")}) is None
    key = bytes(made.post("read/pub_key", {"subnet_id": b64(nns)}))
    assert len(key) == 133


def test_mainnet_ids_make_their_subnet(client):
    """An id of mainnet that no subnet holds makes one; ids that are on no mainnet subnet are refused."""
    made = client.create()
    wanted = Principal.from_text("ghsi2-tqaaa-aaaan-aaaca-cai")
    assert made.create_canister(specified_id=wanted) == wanted.raw
    kinds = [one["subnet_kind"] for one in made.get("read/topology")["subnet_configs"].values()]
    assert sorted(kinds) == ["Application", "Bitcoin"]
    for name, text in (
        (
            "rwlgt-iiaaa-aaaaa-aaaaa-cai",
            "rwlgt-iiaaa-aaaaa-aaaaa-cai belongs to the NNS subnet on the IC mainnet",
        ),
        (
            "nti35-np7aa-aaaaa-aaaaa-cai",
            "does not belong to an existing subnet and it is not a mainnet canister ID",
        ),
        (
            "2vxsx-fae",
            "ID 2vxsx-fae does not belong to an existing subnet and it is not a mainnet canister ID",
        ),
    ):
        payload = create_payload(Principal.from_text(name))
        refused = made.submit(b"", "provisional_create_canister_with_cycles", payload, status=400)["message"]
        assert text in refused


def create_payload(wanted):
    """The argument that creates a canister with an id."""
    types = METHODS["provisional_create_canister_with_cycles"].arg_types
    return encode(({"specified_id": wanted},), types)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"subnet_config_set": {}}, "SubnetConfigSet must contain at least one subnet"),
        (
            {"subnet_config_set": {"application": [{"state_config": {"FromPath": "/"}}]}},
            "state from a folder or blob",
        ),
        (
            {"subnet_config_set": {"system": [{"cost_schedule": "Free"}]}},
            "cannot have the cost schedule Free",
        ),
        ({"subnet_config_set": {"nns": {}}, "bitcoind_addr": ["127.0.0.1:1"]}, "no Bitcoin or Dogecoin"),
        ({"subnet_config_set": {"nns": {}}, "log_level": "loud"}, "Failed to parse log level"),
        (
            {"subnet_config_set": {"nns": {}}, "initial_time": {"Timestamp": {"nanos_since_epoch": 7}}},
            "must be no earlier than 1620328630000000000 (provided 7).",
        ),
        ({"subnet_config_set": {"nns": {}}, "mainnet_nns_subnet_id": True}, "mainnet_nns_subnet_id: "),
        (
            {"subnet_config_set": {"nns": {}}, "incomplete_state": "Maybe"},
            "`incomplete_state` must be one of",
        ),
        ({"subnet_config_set": {"nns": {}}, "disable_ingress_validation": 1}, "must be true or false"),
        ({"subnet_config_set": [1]}, "must be a JSON object"),
        ([], "must be a JSON object"),
    ],
)
def test_instances_that_cannot_be_had(client, body, text):
    """What the server cannot make is refused in words, and nothing stays behind."""
    before = client.get("/instances")
    assert text in client.post("/instances", body, status=400)["Error"]["message"]
    assert client.get("/instances") == before


def test_state_folder_is_kept(client, tmp_path):
    """An instance goes on from the folder of an earlier one, with its subnets; time moves on."""
    made = client.create(NNS, state_dir=str(tmp_path / "state"))
    counter = made.install(wat(COUNTER))
    made.call(counter, "increment")
    time, topology = made.time(), made.get("read/topology")
    assert client.http.delete(made.path).status_code == 200
    again = client.create({"application": []}, state_dir=str(tmp_path / "state"))
    assert again.get("read/topology") == topology
    assert again.time() == time + 2
    assert reply(again.call(counter, "increment")).endswith(b"\2\0\0\0")
    assert again.create_canister() == counter[:7] + b"\1\1\1"
    client.http.delete(again.path)


def test_foreign_state_folder_is_refused(client, tmp_path):
    """A folder with something else in it, or a damaged list of subnets, is named."""
    (tmp_path / "registry.proto").write_bytes(b"x")
    body = {"subnet_config_set": {}, "state_dir": str(tmp_path)}
    assert "was not written by this server" in client.post("/instances", body, 400)["Error"]["message"]


def test_live_instance_serves_others(service, client, instance, counter):
    """Live, time follows the real one, rounds run by themselves, and a gateway serves agents."""
    instance.post("auto_progress", {"artificial_delay_ms": 0})
    assert instance.get("auto_progress") is True
    twice = instance.post("auto_progress", {}, status=400)["message"]
    assert twice == "Auto progress mode has already been enabled."
    wanted = {"forward_to": {"PocketIcInstance": instance.number}}
    gateway = client.post("/http_gateway", wanted, 201)["Created"]
    assert [one["port"] for one in client.get("/http_gateway")] == [gateway["port"]]
    url = f"http://127.0.0.1:{gateway['port']}"
    with connect(url) as outside:
        assert outside.agent().update(Principal(counter), "increment", b"DIDL\0\0").endswith(b"\1\0\0\0")
    used = service.idle._since_s
    assert "<h1>PocketIC Dashboard</h1>" in httpx.get(f"{url}/_/dashboard").text
    assert service.idle._since_s > used  # a used gateway keeps the server alive
    assert client.post(f"/http_gateway/{gateway['instance_id']}/stop") is None
    instance.post("stop_progress", "")
    assert instance.get("auto_progress") is False
    assert instance.time() > 1_700_000_000 * 10**9


def test_what_canisters_print_is_written(instance, counter, capfd):
    """Lines of canisters go to standard error in the form that mops parses."""
    instance.call(counter, "increment")
    assert re.search(
        r"^\[Canister lxzze-o7777-77777-aaaaa-cai\] counted$", capfd.readouterr().err, re.MULTILINE
    )


def test_clients_side_by_side(service):
    """Eight clients at once, each with an instance of its own: none sees another's canisters."""
    seen: dict[int, bytes] = {}

    def work(times):
        with Client(service.url) as client:
            made = client.create()
            counter = made.install(wat(COUNTER))
            for _ in range(times):
                made.call(counter, "increment")
            seen[times] = reply(made.query(counter, "get"))[-4:]
            client.http.delete(made.path)

    threads = [threading.Thread(target=work, args=(times,)) for times in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {times: times.to_bytes(4, "little") for times in range(1, 9)}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_many_instances_leave_nothing():
    """200 instances made, used and deleted: no more threads and descriptors, and hardly more memory."""
    with PocketIcService(ServerOptions()) as service, Client(service.url) as client:

        def use(times):
            for _ in range(times):
                made = client.create()
                made.create_canister()
                client.http.delete(made.path)
            gc.collect()  # what is garbage is not kept
            memory = int(Path("/proc/self/statm").read_text().split()[1])
            return threading.active_count(), len([*Path("/proc/self/fd").iterdir()]), memory

        before = use(50)
        after = use(200)
    assert all(later <= math.ceil(earlier * 1.05) for earlier, later in zip(before, after, strict=True))
