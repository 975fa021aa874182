"""The management canister: arguments, targets, chunks; the same for both twins."""

import asyncio
from hashlib import sha256
from typing import Any

import pytest

from ic_harness import candid
from ic_harness.agent import AsyncManagement, Management
from ic_harness.agent.management_calls import (
    CHUNK,
    DEFAULT_EFFECTIVE_ID,
    MANAGEMENT,
    fits_one_message,
    mode_variant,
    settings_record,
)
from ic_harness.agent.management_interface import interface
from ic_harness.errors import InputError
from ic_harness.principal import Principal

CANISTER = Principal(bytes.fromhex("00000000000000050101"))
STATUS = {
    "status": {"running": None},
    "settings": {
        "controllers": [CANISTER],
        "compute_allocation": 0,
        "memory_allocation": 0,
        "freezing_threshold": 2_592_000,
        "reserved_cycles_limit": 5,
        "log_visibility": {"controllers": None},
        "wasm_memory_limit": 0,
        "minimum_incoming_canister_call_cycles": None,
        "log_memory_limit": None,
        "snapshot_visibility": None,
        "status_visibility": None,
        "wasm_memory_threshold": 0,
        "environment_variables": [],
    },
    "module_hash": bytes(32),
    "memory_size": 1,
    "memory_metrics": None,
    "cycles": 10**14,
    "reserved_cycles": 0,
    "idle_cycles_burned_per_day": 0,
    "version": 1,
    "ready_for_migration": False,
    "query_stats": {
        "num_calls_total": 0,
        "num_instructions_total": 0,
        "request_payload_bytes_total": 0,
        "response_payload_bytes_total": 0,
    },
}
SNAPSHOT = {"id": b"snap", "taken_at_timestamp": 1, "total_size": 2}
METADATA = {
    "source": {"taken_from_canister": None},
    "taken_at_timestamp": 5,
    "wasm_module_size": 8,
    "globals": [{"i32": -1}],
    "wasm_memory_size": 65536,
    "stable_memory_size": 0,
    "wasm_chunk_store": [],
    "canister_version": 3,
    "certified_data": b"c",
    "global_timer": {"active": 9},
    "on_low_wasm_memory_hook_status": {"ready": None},
}
CONSUMED = dict.fromkeys(
    (
        "memory",
        "compute_allocation",
        "ingress_induction",
        "instructions",
        "request_and_response_transmission",
        "uninstall",
        "canister_creation",
        "http_outcalls",
        "burned_cycles",
    ),
    1,
)
REPLIES: dict[str, Any] = {
    "create_canister": {"canister_id": CANISTER},
    "provisional_create_canister_with_cycles": {"canister_id": CANISTER},
    "canister_status": STATUS,
    "stored_chunks": [{"hash": b"h"}],
    "take_canister_snapshot": SNAPSHOT,
    "list_canister_snapshots": [SNAPSHOT],
    "read_canister_snapshot_metadata": METADATA,
    "read_canister_snapshot_data": {"chunk": b"piece"},
    "upload_canister_snapshot_metadata": {"snapshot_id": b"new"},
    "canister_metrics": {"cycles_consumed": CONSUMED},
    "fetch_canister_logs": {"canister_log_records": [{"idx": 0, "timestamp_nanos": 1, "content": b"hi"}]},
}


class Recorder:
    """An agent that decodes what it is given, remembers it, and replies from the table."""

    def __init__(self):
        self.seen = []

    def update(self, canister, method, arg, *, effective_canister_id):
        """Remember and reply."""
        assert canister == MANAGEMENT
        types = interface().methods[method]
        (argument,) = candid.decode(arg, types.arg_types)
        self.seen.append((method, argument, effective_canister_id))
        reply = REPLIES.get(method)
        if method == "upload_chunk":
            reply = {"hash": sha256(argument["chunk"]).digest()}
        return candid.encode([] if reply is None else [reply], types.return_types)

    query = update


class AsyncRecorder(Recorder):
    """The same, asynchronous."""

    async def update(self, *args, **options):
        """Remember and reply."""
        return Recorder.update(self, *args, **options)

    query = update


CALLS = {
    "create_canister": ((), CANISTER),
    "provisional_create_canister_with_cycles": ((5,), CANISTER),
    "provisional_top_up_canister": ((CANISTER, 5), None),
    "install_code": ((CANISTER, b"\0asm"), None),
    "upload_chunk": ((CANISTER, b"piece"), sha256(b"piece").digest()),
    "stored_chunks": ((CANISTER,), [b"h"]),
    "clear_chunk_store": ((CANISTER,), None),
    "canister_status": ((str(CANISTER),), STATUS),
    "update_settings": ((CANISTER, {"compute_allocation": 1}), None),
    "start_canister": ((CANISTER,), None),
    "stop_canister": ((CANISTER,), None),
    "delete_canister": ((CANISTER,), None),
    "uninstall_code": ((CANISTER,), None),
    "take_canister_snapshot": ((CANISTER,), SNAPSHOT),
    "load_canister_snapshot": ((CANISTER, b"snap"), None),
    "list_canister_snapshots": ((CANISTER,), [SNAPSHOT]),
    "delete_canister_snapshot": ((CANISTER, b"snap"), None),
    "read_canister_snapshot_metadata": ((CANISTER, b"snap"), METADATA),
    "read_canister_snapshot_data": (
        (CANISTER, b"snap", {"wasm_memory": {"offset": 0, "size": 5}}),
        b"piece",
    ),
    "upload_canister_snapshot_metadata": ((CANISTER, METADATA), b"new"),
    "upload_canister_snapshot_data": ((CANISTER, b"snap", {"wasm_chunk": None}, b"piece"), None),
    "canister_metrics": ((CANISTER,), CONSUMED),
    "fetch_canister_logs": ((CANISTER,), REPLIES["fetch_canister_logs"]["canister_log_records"]),
}


@pytest.mark.parametrize(("method", "case"), CALLS.items(), ids=CALLS)
def test_every_method(method, case):
    """Each method sends what the interface wants to the right place, and gives back plain values."""
    args, expected = case
    agent: Any = Recorder()
    twin: Any = AsyncRecorder()
    assert getattr(Management(agent), method)(*args) == expected
    assert asyncio.run(getattr(AsyncManagement(twin), method)(*args)) == expected
    assert twin.seen == agent.seen
    assert [name for name, _, _ in agent.seen] == [method]
    assert agent.seen[0][2] == (DEFAULT_EFFECTIVE_ID if "create" in method else CANISTER)


def test_every_method_for_users_is_offered():
    """The class, the interface file and this test know the same methods; the others are for canisters alone."""
    assert set(interface().methods) - set(CALLS) == {
        "bitcoin_get_balance",
        "bitcoin_get_block_headers",
        "bitcoin_get_current_fee_percentiles",
        "bitcoin_get_utxos",
        "bitcoin_send_transaction",
        "canister_info",
        "canister_metadata",
        "deposit_cycles",
        "ecdsa_public_key",
        "flexible_http_request",
        "http_request",
        "install_chunked_code",  # Management.install_code chooses it for large modules
        "list_canisters",  # queried at the subnet, by its administrators
        "node_metrics_history",
        "raw_rand",
        "rename_canister",
        "schnorr_public_key",
        "sign_with_ecdsa",
        "sign_with_schnorr",
        "subnet_info",
        "vetkd_derive_key",
        "vetkd_public_key",
    }
    assert set(CALLS) <= {name for name in dir(Management) if not name.startswith("_")}


def test_a_specified_id_chooses_the_subnet():
    """A canister with a wanted id is made where that id lives."""
    agent: Any = Recorder()
    Management(agent).provisional_create_canister_with_cycles(specified_id=str(CANISTER))
    assert agent.seen[0][1]["specified_id"] == agent.seen[0][2] == CANISTER


@pytest.mark.parametrize("management", [Management, AsyncManagement])
def test_large_modules_go_in_chunks(management):
    """A module beyond a message is uploaded in pieces that make up its hash; the store is emptied after."""
    wasm = bytes(range(256)) * (2 * CHUNK // 256) + b"tail"
    agent = Recorder() if management is Management else AsyncRecorder()
    result = management(agent).install_code(CANISTER, wasm, b"arg", "reinstall")
    if result is not None:
        asyncio.run(result)
    names = [name for name, _, _ in agent.seen]
    assert names == ["clear_chunk_store", *["upload_chunk"] * 3, "install_chunked_code", "clear_chunk_store"]
    assert b"".join(argument["chunk"] for name, argument, _ in agent.seen if "upload" in name) == wasm
    final = agent.seen[4][1]
    assert final["wasm_module_hash"] == sha256(wasm).digest()
    assert (final["mode"], final["arg"], final["target_canister"]) == ({"reinstall": None}, b"arg", CANISTER)


def test_what_fits_one_message():
    """Module and argument count together, with room for the envelope."""
    assert fits_one_message(bytes(2_000_000), b"")
    assert not fits_one_message(bytes(2_000_000), bytes(97_000))


def test_upgrade_options():
    """Options of an upgrade are sent; for other modes, or when misspelt, they are refused."""
    assert mode_variant("upgrade") == {"upgrade": None}
    assert mode_variant("upgrade", wasm_memory="keep") == {
        "upgrade": {"skip_pre_upgrade": None, "wasm_memory_persistence": {"keep": None}}
    }
    for options in ({"skip_pre_upgrade": True}, {"wasm_memory": "keep"}):
        with pytest.raises(InputError):
            mode_variant("install", **options)
    with pytest.raises(InputError):
        mode_variant("upgrade", wasm_memory="discard")
    with pytest.raises(InputError):
        mode_variant("overwrite")  # type: ignore[arg-type]


def test_settings():
    """Controllers and variables come in handy forms; an unknown setting is named."""
    record = settings_record({"controllers": [str(CANISTER)], "environment_variables": {"A": "b"}})
    assert record["controllers"] == [CANISTER]
    assert record["environment_variables"] == [{"name": "A", "value": "b"}]
    with pytest.raises(InputError, match="'controler'"):
        settings_record({"controler": []})
