"""Snapshots as data: read in parts, uploaded in parts, loaded; texts of DFINITY's replica."""

from __future__ import annotations

import hashlib

import pytest
import wasmtime

from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.management.snapshot_lookup import pack_globals, unpack_globals
from ic_harness.replica.state.config import SNAPSHOT_SEGMENT
from tests.replica.support import ALICE, BOB, FREE, Called, create, deploy, did, install, management, wasm

PAGE = 65536
DOCS = "https://internetcomputer.org/docs/current/references/execution-errors"
FIELDS = (
    "wasm_module_size",
    "globals",
    "wasm_memory_size",
    "stable_memory_size",
    "certified_data",
    "global_timer",
    "on_low_wasm_memory_hook_status",
)
GLOBALS = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (memory 1)
  (global $i (mut i32) (i32.const -5))
  (global $fixed i32 (i32.const 1))
  (global $l (mut i64) (i64.const 9000000000))
  (global $f (mut f32) (f32.const 1.5))
  (global $d (mut f64) (f64.const -0.25))
  (global $v (mut v128) (v128.const i64x2 7 8))
  (func (export "canister_update set")
    (global.set $i (i32.const 77))
    (drop (call $timer (i64.const 9223372036854775807)))
    (i32.store (i32.const 0) (i32.const 65))
    (call $certify (i32.const 0) (i32.const 1))
    (call $reply))
  (func (export "canister_query get")
    (i32.store (i32.const 8) (global.get $i))
    (i64.store (i32.const 12) (i64x2.extract_lane 1 (global.get $v)))
    (call $append (i32.const 0) (i32.const 20))
    (call $reply)))"""


def refusal(action, *args, **kwargs):
    with pytest.raises(RejectError) as caught:
        action(*args, **kwargs)
    return caught.value.error_code, caught.value.reject_message


def of(canister, snapshot, **fields):
    return {"canister_id": canister, "snapshot_id": snapshot, **fields}


def take(admin, canister):
    return admin.update("take_canister_snapshot", {"canister_id": canister})["id"]


def pieces(size, step=1_900_000):
    return [(start, min(step, size - start)) for start in range(0, size, step)]


def download(admin, canister, snapshot):
    """Metadata, content by region, and chunks."""
    metadata = admin.update("read_canister_snapshot_metadata", of(canister, snapshot))

    def read(**kind):
        return admin.update("read_canister_snapshot_data", of(canister, snapshot, kind=kind))["chunk"]

    content = {
        region: b"".join(
            read(**{region: {"offset": offset, "size": size}})
            for offset, size in pieces(metadata[f"{region}_size"])
        )
        for region in ("wasm_module", "wasm_memory", "stable_memory")
    }
    return metadata, content, [read(wasm_chunk=chunk) for chunk in metadata["wasm_chunk_store"]]


def upload(admin, canister, metadata, content, chunks=()):
    argument = {
        "canister_id": canister,
        "replace_snapshot": None,
        **{name: metadata[name] for name in FIELDS},
    }
    made = admin.update("upload_canister_snapshot_metadata", argument)["snapshot_id"]
    for region, whole in content.items():
        for offset, size in reversed(pieces(len(whole), 1_000_003)):
            kind = {region: {"offset": offset}}
            admin.update(
                "upload_canister_snapshot_data",
                of(canister, made, kind=kind, chunk=whole[offset : offset + size]),
            )
    for chunk in chunks:
        admin.update(
            "upload_canister_snapshot_data", of(canister, made, kind={"wasm_chunk": None}, chunk=chunk)
        )
    return made


def test_a_snapshot_moves_to_another_network(replica, rust):
    """What is read here and uploaded there is the same canister: code, memories, chunks, certified data."""
    admin = management(replica)
    rust.update("put", "k", bytes(range(256)) * 9000)
    rust.update("add", 35)
    admin.update("upload_chunk", {"canister_id": rust.id, "chunk": b"a chunk"})
    metadata, content, chunks = download(admin, rust.id, take(admin, rust.id))
    assert metadata["source"] == {"taken_from_canister": None}
    assert content["wasm_module"] == wasm("rust/rust")
    assert chunks == [b"a chunk"]
    with Replica(ReplicaConfig(seed=b"elsewhere")) as elsewhere:
        there = management(elsewhere)
        target = create(elsewhere)
        made = upload(there, target, metadata, content, chunks)
        assert download(there, target, made)[1:] == (content, chunks)
        there.update("load_canister_snapshot", of(target, made))
        moved = Called(elsewhere, target, did("rust/rust"))
        assert moved.query("get") == 42
        assert moved.query("fetch", "k") == bytes(range(256)) * 9000
        moved.update("add", 1)
        assert [one["hash"] for one in there.update("stored_chunks", {"canister_id": target})] == [
            hashlib.sha256(b"a chunk").digest()
        ]


def test_globals_timer_and_certified_data_move(replica):
    """Every mutable global by its type, v128 included; the timer and certified data of an upload are set."""
    admin = management(replica)
    canister = create(replica)
    install(replica, canister, bytes(wasmtime.wat2wasm(GLOBALS)))
    replica.execute_update(ALICE, canister, "set", b"")
    metadata, content, _ = download(admin, canister, take(admin, canister))
    assert metadata["globals"] == [
        {"i32": 77},
        {"i64": 9_000_000_000},
        {"f32": 1.5},
        {"f64": -0.25},
        {"v128": 7 | 8 << 64},
    ]
    assert metadata["certified_data"] == b"A"
    assert metadata["global_timer"] == {"active": (1 << 63) - 1}
    assert metadata["on_low_wasm_memory_hook_status"] == {"condition_not_satisfied": None}
    target = create(replica)
    made = upload(admin, target, metadata, content)
    again = admin.update("read_canister_snapshot_metadata", of(target, made))
    assert again["source"] == {"metadata_upload": None}
    assert {name: again[name] for name in FIELDS} == {name: metadata[name] for name in FIELDS}
    admin.update("load_canister_snapshot", of(target, made))
    reply = replica.execute_query(ALICE, target, "get", b"")
    assert (reply[8:12], reply[12:20]) == ((77).to_bytes(4, "little"), (8).to_bytes(8, "little"))
    loaded = admin.update("read_canister_snapshot_metadata", of(target, take(admin, target)))
    assert {name: loaded[name] for name in FIELDS} == {name: metadata[name] for name in FIELDS}


def test_an_upload_survives_a_restart(tmp_path):
    """Half an upload, a restart from the state folder, the other half, load."""
    config = ReplicaConfig(seed=b"s", state_dir=tmp_path / "state")
    with Replica(config) as replica:
        rust = deploy(replica, "rust/rust", 3)
        admin = management(replica)
        metadata, content, _ = download(admin, rust.id, take(admin, rust.id))
        first = {"wasm_module": content["wasm_module"]}
        made = upload(admin, rust.id, metadata, first)
        rust.update("add", 100)
    with Replica(config) as replica:
        admin = management(replica)
        rest = {name: content[name] for name in ("wasm_memory", "stable_memory")}
        for region, whole in rest.items():
            for offset, size in pieces(len(whole)):
                kind = {region: {"offset": offset}}
                chunk = whole[offset : offset + size]
                admin.update("upload_canister_snapshot_data", of(rust.id, made, kind=kind, chunk=chunk))
        admin.update("load_canister_snapshot", of(rust.id, made))
    with Replica(config) as replica:
        assert Called(replica, rust.id, did("rust/rust")).query("get") == 3


@FREE
def test_writes_overlap_and_leave_zeros(replica):
    """Ranges may overlap, cross segments and leave holes, which are zeros; memory without content costs nothing."""
    admin, canister = management(replica), create(replica)
    size = 400 << 30
    argument = {
        "canister_id": canister,
        "replace_snapshot": None,
        "wasm_module_size": 8,
        "globals": [],
        "wasm_memory_size": 2 * SNAPSHOT_SEGMENT,
        "stable_memory_size": size,
        "certified_data": b"",
        "global_timer": None,
        "on_low_wasm_memory_hook_status": None,
    }
    made = admin.update("upload_canister_snapshot_metadata", argument)["snapshot_id"]

    def write(region, offset, chunk):
        admin.update(
            "upload_canister_snapshot_data",
            of(canister, made, kind={region: {"offset": offset}}, chunk=chunk),
        )

    def read(region, offset, length):
        kind = {region: {"offset": offset, "size": length}}
        return admin.update("read_canister_snapshot_data", of(canister, made, kind=kind))["chunk"]

    write("wasm_memory", SNAPSHOT_SEGMENT - 3, b"abcdef")
    write("wasm_memory", SNAPSHOT_SEGMENT - 1, b"XY")
    assert read("wasm_memory", SNAPSHOT_SEGMENT - 5, 10) == b"\0\0abXYef\0\0"
    write("stable_memory", size - 2, b"zz")
    assert read("stable_memory", size - 4, 4) == b"\0\0zz"
    assert read("wasm_module", 8, 0) == b""
    text = "Invalid subslice into wasm module / main memory / stable memory: offset: 5, size: 4"
    assert refusal(read, "wasm_module", 5, 4) == ("IC0408", text)
    assert refusal(write, "wasm_module", 5, b"four") == ("IC0408", text)
    too_large = "Requested slice too large: 2000001 > 2000000"
    assert refusal(read, "stable_memory", 0, 2_000_001) == ("IC0408", too_large)


def test_what_was_taken_cannot_be_written(replica, rust):
    """Only uploads are mutable; chunks have their own errors."""
    admin = management(replica)
    taken = take(admin, rust.id)
    call = of(rust.id, taken, kind={"wasm_chunk": None}, chunk=b"x")
    assert refusal(admin.update, "upload_canister_snapshot_data", call) == (
        "IC0409",
        "Only canister snapshots created by metadata upload can be mutated.",
    )
    absent = of(rust.id, taken, kind={"wasm_chunk": {"hash": b"\1\xab"}})
    code, text = refusal(admin.update, "read_canister_snapshot_data", absent)
    assert code == "IC0504"
    assert text.startswith("Error from Wasm chunk store: Bytes [01, ab] are not a valid WasmChunkHash..")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("wasm_memory_size", 5, "wasm_memory_size is 5, which is no multiple of the Wasm page size 65536"),
        (
            "stable_memory_size",
            501 << 30,
            f"stable_memory_size is {501 << 30}, at most {500 << 30} is possible",
        ),
        ("certified_data", b"x" * 33, "certified_data has 33 elements, at most 32"),
        ("globals", [{"v128": 1 << 128}], "a v128 global has more than 128 bits"),
    ],
)
def test_impossible_metadata_are_refused(replica, rust, field, value, text):
    """Nothing is kept of metadata that no canister could have."""
    admin = management(replica)
    metadata = admin.update("read_canister_snapshot_metadata", of(rust.id, take(admin, rust.id)))
    with pytest.raises(RejectError, match=text):
        upload(admin, rust.id, metadata | {field: value}, {})
    assert len(admin.update("list_canister_snapshots", {"canister_id": rust.id})) == 1


def test_an_inconsistent_upload_is_not_loaded(replica, rust):
    """Wrong globals, a wrong hook status, or no module: the canister stays as it is."""
    admin = management(replica)
    metadata, content, _ = download(admin, rust.id, take(admin, rust.id))
    module = {"wasm_module": content["wasm_module"]}
    fewer = upload(admin, rust.id, metadata | {"globals": []}, module)
    assert refusal(admin.update, "load_canister_snapshot", of(rust.id, fewer)) == (
        "IC0408",
        "Wasm exported globals of canister module and snapshot metadata do not match.",
    )
    hook = upload(admin, rust.id, metadata | {"on_low_wasm_memory_hook_status": {"ready": None}}, module)
    assert refusal(admin.update, "load_canister_snapshot", of(rust.id, hook)) == (
        "IC0408",
        (
            "Hook status (Some(Ready)) of uploaded snapshot is inconsistent with the canister's state (hook condition "
            "satisfied: false)."
        ),
    )
    empty = upload(admin, rust.id, metadata, {})
    assert refusal(admin.update, "load_canister_snapshot", of(rust.id, empty))[0] == "IC0505"
    assert rust.query("get") == 7


def test_another_canisters_snapshot_can_be_loaded_by_its_controller(replica, rust, other):
    """`load_` takes snapshots of other canisters that the caller controls; the other methods do not."""
    admin = management(replica)
    taken = take(admin, other.id)
    code, text = refusal(admin.update, "read_canister_snapshot_metadata", of(rust.id, taken))
    assert (code, text) == (
        "IC0406",
        (
            f"The snapshot {taken.hex()} does not belong to canister {rust.id}.\n"
            "Use the `list_canister_snapshot` API to see which snapshots are present. "
            f"See documentation: {DOCS}#canister-snapshot-invalid-ownership"
        ),
    )
    admin.update("load_canister_snapshot", of(rust.id, taken))
    assert rust.query("get") == 100
    settings = {"canister_id": rust.id, "settings": {"controllers": [ALICE, BOB]}}
    admin.update("update_settings", settings)
    code, text = refusal(management(replica, BOB).update, "load_canister_snapshot", of(rust.id, taken))
    assert (code, text) == (
        "IC0406",
        (
            f"Only a controller of the canister that snapshot {taken.hex()} belongs to can load it on canister "
            f"{rust.id}. Sender: {BOB}."
        ),
    )


def test_snapshot_visibility_lets_others_read(replica, rust):
    """Viewers of snapshots may read them, other callers may not; only controllers upload."""
    admin, guest = management(replica), management(replica, BOB)
    taken = take(admin, rust.id)
    assert refusal(guest.update, "read_canister_snapshot_metadata", of(rust.id, taken))[0] == "IC0512"
    settings = {"snapshot_visibility": {"allowed_viewers": [BOB]}}
    admin.update("update_settings", {"canister_id": rust.id, "settings": settings})
    assert guest.update("read_canister_snapshot_metadata", of(rust.id, taken))["wasm_module_size"] > 0
    call = of(rust.id, taken, kind={"wasm_chunk": None}, chunk=b"x")
    assert refusal(guest.update, "upload_canister_snapshot_data", call)[0] == "IC0512"


def test_taking_may_replace_and_uninstall(replica, rust):
    """`take_` with both options leaves one snapshot and an empty canister, which the snapshot brings back."""
    admin = management(replica)
    first = take(admin, rust.id)
    options = {"canister_id": rust.id, "replace_snapshot": first, "uninstall_code": True}
    second = admin.update("take_canister_snapshot", options)["id"]
    assert [one["id"] for one in admin.update("list_canister_snapshots", {"canister_id": rust.id})] == [
        second
    ]
    assert admin.update("canister_status", {"canister_id": rust.id})["module_hash"] is None
    admin.update("load_canister_snapshot", of(rust.id, second))
    assert rust.query("get") == 7


@pytest.mark.parametrize("values", [(), (1, 2), ((1 << 64) - 1,), (1, 1 << 64, (1 << 128) - 1)])
def test_globals_are_packed_and_read(values):
    """Globals of 64 and of 128 bits come back as they were."""
    assert unpack_globals(pack_globals(values)) == values


def test_snapshots_of_an_unknown_canister(replica):
    """A snapshot id of a canister that does not exist is not found."""
    canister = create(replica)
    lost = (0).to_bytes(8, "big") + Principal.self_authenticating(b"none").raw
    code, _ = refusal(management(replica).update, "load_canister_snapshot", of(canister, lost))
    assert code == "IC0305"
