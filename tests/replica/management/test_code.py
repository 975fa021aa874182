"""Installing code: modes, atomicity, chunks, snapshots, history, metadata, logs."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from tests.replica.support import (
    ALICE,
    BOB,
    FREE,
    Called,
    create,
    deploy,
    deploy_wat,
    did,
    install,
    management,
    plain_wasm,
    wasm,
    wat,
)

COUNTER = """
  (global $n (mut i32) (i32.const 0))
  (func (export "canister_update bump") (global.set $n (i32.add (global.get $n) (i32.const 1)))
     (i32.store8 (i32.const 0) (global.get $n)) (call $append (i32.const 0) (i32.const 1)) (call $reply))
  (func (export "canister_query get") (i32.store8 (i32.const 0) (global.get $n))
     (call $append (i32.const 0) (i32.const 1)) (call $reply))
"""


def rejected(action, *args, **kwargs):
    with pytest.raises(RejectError) as caught:
        action(*args, **kwargs)
    return caught.value


def init_arg(value):
    return candid.encode((value,), did("rust/rust").init_args)


def test_install_wants_an_empty_canister(replica, rust):
    """Install over code is refused with advice, upgrade of an empty canister too."""
    error = rejected(install, replica, rust.id, wasm("rust/rust"), init_arg(1))
    assert error.error_code == "IC0514"
    assert "Try installing with mode='reinstall' instead." in error.reject_message
    assert (
        rejected(install, replica, create(replica), wasm("rust/rust"), mode="upgrade").error_code == "IC0537"
    )


@pytest.mark.parametrize("form", [wasm, plain_wasm])
def test_modules_come_gzipped_or_plain(replica, form):
    """Both forms install; the module hash is that of the bytes as sent."""
    canister = create(replica)
    install(replica, canister, form("rust/rust"), init_arg(3))
    status = management(replica).update("canister_status", {"canister_id": canister})
    assert status["module_hash"] == hashlib.sha256(form("rust/rust")).digest()


def test_reinstall_forgets_everything(replica, rust):
    """Reinstall runs init on fresh memory and clears the log."""
    rust.update("add", 5)
    rust.update("print", "old")
    install(replica, rust.id, wasm("rust/rust"), init_arg(1), mode="reinstall")
    assert rust.query("get") == 1
    assert replica.logs(rust.id) == []


def test_upgrade_keeps_stable_memory(replica, rust):
    """An upgrade runs pre_upgrade and post_upgrade and keeps what they carry over."""
    rust.update("add", 5)
    install(replica, rust.id, wasm("rust/rust"), init_arg(0), mode="upgrade")
    state = rust.query("state")
    assert (state["count"], state["upgrades"]) == (12, 1)


@pytest.mark.parametrize("export", ["canister_init", "canister_post_upgrade", "start"])
def test_a_failing_installation_changes_nothing(replica, export):
    """If init, post_upgrade or start trap, code, memory, globals and version are as before."""
    canister = deploy_wat(replica, COUNTER)
    replica.execute_update(BOB, canister, "bump", b"")
    before = replica.canister(canister)
    known = (before.module_hash, before.version, before.certified_data)
    body = "(func $f (call $trap (i32.const 0) (i32.const 0)))"
    body += "(start $f)" if export == "start" else f'(export "{export}" (func $f))'
    mode = "reinstall" if export == "canister_init" else "upgrade"
    assert rejected(install, replica, canister, wat(body), mode=mode).error_code == "IC0503"
    after = replica.canister(canister)
    assert (after.module_hash, after.version, after.certified_data) == known
    assert replica.execute_update(BOB, canister, "bump", b"") == b"\2"


def test_a_failing_pre_upgrade_can_be_skipped(replica):
    """A trap in pre_upgrade stops the upgrade unless it is skipped."""
    trapping = COUNTER + '(func (export "canister_pre_upgrade") (call $trap (i32.const 0) (i32.const 0)))'
    canister = deploy_wat(replica, trapping)
    assert rejected(install, replica, canister, wat(COUNTER), mode="upgrade").error_code == "IC0503"
    install(replica, canister, wat(COUNTER), mode="upgrade", options={"skip_pre_upgrade": True})
    assert replica.execute_query(BOB, canister, "get", b"") == b"\0"


BROKEN_MODULES = {
    "nothing": b"",
    "junk": b"junk",
    "unknown section": b"\0asm\1\0\0\0\xff",
    "no module in gzip": gzip.compress(b"no module", mtime=0),
    "cut off": wasm("rust/rust")[:1000],
}


@pytest.mark.parametrize("name", BROKEN_MODULES)
def test_invalid_modules_are_refused(replica, name):
    """Bytes that are no module give IC0505, and the canister stays empty."""
    canister = create(replica)
    error = rejected(install, replica, canister, BROKEN_MODULES[name])
    assert error.error_code == "IC0505"
    assert "Canister's Wasm module is not valid" in error.reject_message
    assert not replica.canister(canister).installed


@FREE
def test_uninstalling_rejects_open_calls(replica, rust, other, room):
    """Uninstall answers open calls with code 4, clears code and logs, keeps cycles and controllers."""
    room(1)
    with replica.held():
        finish = rust.submit(
            "forward",
            other.id,
            "accept_cycles",
            candid.encode((5,), did("rust/rust").methods["accept_cycles"].arg_types),
            10,
            None,
        )
        replica.tick()
        management(replica).submit("uninstall_code", {"canister_id": rust.id})
        replica.tick(4)
    error = rejected(finish)
    assert (error.reject_code, error.error_code) == (4, "IC0406")
    record = replica.canister(rust.id)
    assert (record.installed, record.contexts, record.calls) == (False, {}, {})
    assert record.cycles == 100_000_000_000_000 - 5


def test_enhanced_persistence_needs_its_option(replica):
    """Motoko's enhanced persistence: the option is required, keep keeps the heap, a wrong keep is refused."""
    counter = deploy(replica, "motoko/counter", 5)
    counter.update("add", 1)
    arg = candid.encode((5,), did("motoko/counter_v2").init_args)
    new = wasm("motoko/counter_v2")
    error = rejected(install, replica, counter.id, new, arg, mode="upgrade")
    assert error.error_code == "IC0504"
    assert "Missing upgrade option" in error.reject_message
    keep = {"wasm_memory_persistence": {"keep": None}}
    install(replica, counter.id, new, arg, mode="upgrade", options=keep)
    upgraded = Called(replica, counter.id, did("motoko/counter_v2"))
    assert upgraded.query("state")["count"] == 6
    error = rejected(install, replica, counter.id, wat(""), mode="upgrade", options=keep)
    assert "Invalid upgrade option" in error.reject_message
    error = rejected(
        install, replica, counter.id, wasm("motoko/counter_incompatible"), arg, mode="upgrade", options=keep
    )
    assert "Memory-incompatible program upgrade" in error.reject_message
    assert upgraded.query("state")["count"] == 6


def test_classical_motoko_upgrades(replica):
    """Motoko's classical persistence carries its variables through stable memory."""
    counter = deploy(replica, "motoko-classical/counter", 5)
    counter.update("add", 1)
    arg = candid.encode((5,), did("motoko-classical/counter_v2").init_args)
    install(replica, counter.id, wasm("motoko-classical/counter_v2"), arg, mode="upgrade")
    assert Called(replica, counter.id, did("motoko-classical/counter_v2")).query("state")["count"] == 6


def chunks_of(module, size=100_000):
    return [module[start : start + size] for start in range(0, len(module), size)]


def test_a_module_in_chunks(replica):
    """Chunks are stored by hash and installed as one module; a wrong hash or unknown chunk is refused."""
    canister, module = create(replica), wasm("rust/rust")
    admin = management(replica)
    hashes = [admin.update("upload_chunk", {"canister_id": canister, "chunk": c}) for c in chunks_of(module)]
    assert sorted(h["hash"] for h in hashes) == [
        h["hash"] for h in admin.update("stored_chunks", {"canister_id": canister})
    ]
    call = {
        "mode": {"install": None},
        "target_canister": canister,
        "store_canister": None,
        "chunk_hashes_list": hashes,
        "wasm_module_hash": hashlib.sha256(module).digest(),
        "arg": init_arg(9),
    }
    assert (
        rejected(admin.update, "install_chunked_code", {**call, "wasm_module_hash": bytes(32)}).error_code
        == "IC0504"
    )
    unknown = [{"hash": bytes(32)}]
    assert rejected(admin.update, "install_chunked_code", {**call, "chunk_hashes_list": unknown})
    admin.update("install_chunked_code", call)
    assert Called(replica, canister, did("rust/rust")).query("get") == 9
    admin.update("clear_chunk_store", {"canister_id": canister})
    assert admin.update("stored_chunks", {"canister_id": canister}) in (None, [])


def test_chunk_stores_have_limits(replica):
    """A chunk has at most a mebibyte, a store a hundred chunks."""
    canister, admin = create(replica), management(replica)
    too_large = {"canister_id": canister, "chunk": bytes((1 << 20) + 1)}
    assert rejected(admin.update, "upload_chunk", too_large)
    for number in range(100):
        admin.update("upload_chunk", {"canister_id": canister, "chunk": bytes([number])})
    assert rejected(admin.update, "upload_chunk", {"canister_id": canister, "chunk": b"more"})
    admin.update("upload_chunk", {"canister_id": canister, "chunk": b"\0"})


def test_chunks_of_another_canister_need_its_control(replica):
    """The store of another canister can be used by its controllers only."""
    mine, theirs = create(replica), create(replica, BOB)
    digest = management(replica, BOB).update("upload_chunk", {"canister_id": theirs, "chunk": wat("")})
    call = {
        "mode": {"install": None},
        "target_canister": mine,
        "store_canister": theirs,
        "chunk_hashes_list": [digest],
        "wasm_module_hash": digest["hash"],
        "arg": b"",
    }
    assert rejected(management(replica).update, "install_chunked_code", call).error_code == "IC0512"


def test_canister_snapshots(replica, rust):
    """A snapshot brings code and memory back; it can be listed and deleted."""
    admin = management(replica)
    rust.update("put", "k", b"v")
    taken = admin.update("take_canister_snapshot", {"canister_id": rust.id})
    rust.update("add", 1)
    rust.update("put", "k", b"w")
    listed = admin.update("list_canister_snapshots", {"canister_id": rust.id})
    assert [snapshot["id"] for snapshot in listed] == [taken["id"]]
    admin.update("load_canister_snapshot", {"canister_id": rust.id, "snapshot_id": taken["id"]})
    assert (rust.query("get"), rust.query("fetch", "k")) == (7, b"v")
    gone = {"canister_id": rust.id, "snapshot_id": taken["id"]}
    admin.update("delete_canister_snapshot", gone)
    assert rejected(admin.update, "load_canister_snapshot", gone).error_code == "IC0305"


def test_snapshots_are_limited_and_replaceable(replica, rust):
    """Ten snapshots a canister; an eleventh must replace one."""
    admin = management(replica)
    taken = [admin.update("take_canister_snapshot", {"canister_id": rust.id})["id"] for _ in range(10)]
    assert rejected(admin.update, "take_canister_snapshot", {"canister_id": rust.id})
    admin.update("take_canister_snapshot", {"canister_id": rust.id, "replace_snapshot": taken[0]})
    listed = admin.update("list_canister_snapshots", {"canister_id": rust.id})
    assert len(listed) == 10
    assert taken[0] not in [snapshot["id"] for snapshot in listed]


def test_history_is_told_to_canisters(replica, rust, other):
    """canister_info gives the latest changes, module hash and controllers to any canister."""
    known = management(replica).service.methods["canister_info"]
    arg = candid.encode(({"canister_id": other.id, "num_requested_changes": 5},), known.arg_types)
    reply = rust.update("forward", Principal.management(), "canister_info", arg, 0, None)
    info = candid.decode(reply["Ok"], known.return_types)[0]
    assert [next(iter(change["details"])) for change in info["recent_changes"]] == [
        "creation",
        "code_deployment",
    ]
    assert info["recent_changes"][0]["origin"] == {"from_user": {"user_id": ALICE}}
    assert info["module_hash"] == hashlib.sha256(wasm("rust/rust")).digest()


def test_metadata_is_told_to_canisters(replica, rust, other):
    """canister_metadata gives public sections to any canister."""
    known = management(replica).service.methods["canister_metadata"]
    arg = candid.encode(({"canister_id": other.id, "name": "candid:service"},), known.arg_types)
    reply = rust.update("forward", Principal.management(), "canister_metadata", arg, 0, None)
    assert b"service" in candid.decode(reply["Ok"], known.return_types)[0]["value"]


def test_logs_have_their_readers(replica, rust):
    """Logs are for controllers, unless log_visibility says otherwise, and forget beyond 4 KiB."""
    rust.update("print", "hello")
    records = management(replica).query("fetch_canister_logs", {"canister_id": rust.id})[
        "canister_log_records"
    ]
    assert [record["content"] for record in records] == [b"hello"]
    assert rejected(management(replica, BOB).query, "fetch_canister_logs", {"canister_id": rust.id})
    settings = {"log_visibility": {"allowed_viewers": [BOB]}}
    management(replica).update("update_settings", {"canister_id": rust.id, "settings": settings})
    for number in range(5):
        rust.update("print", f"{number}" * 1000)
    records = management(replica, BOB).query("fetch_canister_logs", {"canister_id": rust.id})[
        "canister_log_records"
    ]
    assert [record["idx"] for record in records] == [2, 3, 4, 5]


def test_traps_are_logged(replica, rust):
    """What a trapped message printed, and why it trapped, stands in the log."""
    rejected(rust.update, "trap", "reason")
    assert b"[TRAP]" in replica.logs(rust.id)[-1].content
    assert b"reason" in replica.logs(rust.id)[-1].content
