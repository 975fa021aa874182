"""What the management canister refuses: codes and texts of DFINITY's replica, for users and for canisters."""

from __future__ import annotations

import hashlib

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from tests.replica.support import ALICE, BOB, create, deploy, deploy_wat, install, management, wasm, wat

DOCS = "https://internetcomputer.org/docs/current/references/execution-errors"
IN_RANGE = Principal.from_text("r7inp-6aaaa-aaaaa-aaabq-cai")


def refusal(action, *args, **kwargs):
    """Code, error code and text of a rejection."""
    with pytest.raises(RejectError) as caught:
        action(*args, **kwargs)
    return caught.value.reject_code, caught.value.error_code, caught.value.reject_message


def change(replica, canister, **settings):
    return management(replica).update("update_settings", {"canister_id": canister, "settings": settings})


def called_by(rust, method, value):
    """What a canister sees of its own management call: code and text of the reject, or the reply."""
    known = management(rust.replica).service.methods[method]
    arg = candid.encode((value,), known.arg_types)
    reply = rust.update("forward", Principal.management(), method, arg, 0, None)
    if "Err" in reply:
        return reply["Err"]["code"], reply["Err"]["message"]
    return candid.decode(reply["Ok"], known.return_types)


# --- settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"compute_allocation": 101}, "ComputeAllocation expected to be in the range [0..100], got 101"),
        (
            {"memory_allocation": (1 << 48) + 1},
            "MemoryAllocation expected to be in the range [0..281474976710656], got 281_474_976_710_657",
        ),
        (
            {"freezing_threshold": 1 << 64},
            "Freezing threshold expected to be in the range of [0..2^64-1], got 18_446_744_073_709_551_616",
        ),
        (
            {"reserved_cycles_limit": 1 << 128},
            f"Reserved cycles limit expected to be in the range of [0..2^128-1], got {1 << 128:_}",
        ),
        (
            {"wasm_memory_limit": (1 << 48) + 1},
            f"Wasm memory limit expected to be in the range of [0..2^64-1], got {(1 << 48) + 1:_}",
        ),
        (
            {"wasm_memory_threshold": 1 << 64},
            f"Wasm memory threshold expected to be in the range of [0..2^64-1], got {1 << 64:_}",
        ),
    ],
)
def test_numbers_out_of_range_break_the_contract(replica, settings, text):
    """A number above its range is IC0504, on creation and on change; it is shown as Candid writes numbers."""
    assert refusal(change, replica, create(replica), **settings) == (5, "IC0504", text)
    assert refusal(create, replica, settings=settings) == (5, "IC0504", text)


@pytest.mark.parametrize(("bytes_", "shown"), [((1 << 41) + 1, "2.00 TiB"), (1 << 48, "256.00 TiB")])
def test_a_memory_allocation_is_bounded_by_the_subnet(replica, bytes_, shown):
    """What a canister may have and the subnet does not have is IC0101, on creation and on change."""
    text = f"Canister requested {shown} of memory but only"
    for error in (
        refusal(change, replica, create(replica), memory_allocation=bytes_),
        refusal(create, replica, settings={"memory_allocation": bytes_}),
    ):
        assert error[:2] == (1, "IC0101")
        assert error[2].startswith(text)


def test_a_threshold_of_64_bits(replica):
    """The threshold of the low-memory hook may be any number of 64 bits, also above the limit of the memory."""
    canister = create(replica)
    change(replica, canister, wasm_memory_threshold=(1 << 64) - 1)
    status = management(replica).update("canister_status", {"canister_id": canister})
    assert status["settings"]["wasm_memory_threshold"] == (1 << 64) - 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"controllers": [Principal(bytes([n])) for n in range(11)]},
            "Error decoding candid: Deserialize error: The number of elements exceeds maximum allowed 10",
        ),
        (
            {"log_visibility": {"allowed_viewers": [Principal(bytes([n])) for n in range(11)]}},
            "Error decoding candid: Deserialize error: The number of elements exceeds maximum allowed 10",
        ),
        (
            {"environment_variables": [{"name": str(n), "value": ""} for n in range(21)]},
            "Too many environment variables: 21 (max: 20)",
        ),
        (
            {"environment_variables": [{"name": "a", "value": ""}, {"name": "a", "value": ""}]},
            "Duplicate environment variables are not allowed",
        ),
        (
            {"environment_variables": [{"name": "n" * 129, "value": ""}]},
            f'Environment variable name "{"n" * 129}" exceeds the maximum allowed length of 128.',
        ),
        (
            {"environment_variables": [{"name": "n", "value": "v" * 129}]},
            f'Environment variable value "{"v" * 129}" exceeds the maximum allowed length of 128.',
        ),
    ],
)
def test_collections_out_of_bounds_are_bad_payloads(replica, settings, text):
    """Too many or too long elements are IC0408."""
    assert refusal(change, replica, create(replica), **settings) == (4, "IC0408", text)


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (4095, "4095 is too low. It must be at least 4096."),
        (2097153, "2097153 is too high. It must be at most 2097152."),
    ],
)
def test_the_log_has_a_size_between_bounds_or_none(replica, limit, text):
    """`log_memory_limit` is 0, or between 4 KiB and 2 MiB."""
    canister = create(replica)
    for allowed in (0, 4096, 2 << 20):
        change(replica, canister, log_memory_limit=allowed)
    code = refusal(change, replica, canister, log_memory_limit=limit)
    assert code == (4, "IC0406", f"The canister log memory limit {text}")


# --- creating, installing, deleting --------------------------------------------------------------------------


def test_a_specified_id_is_free_and_hosted(replica):
    """A taken id is IC0538, one of another subnet IC0405."""
    taken = create(replica)
    assert refusal(create, replica, specified_id=taken) == (
        5, "IC0538", f"Canister {taken} is already installed.",
    )  # fmt: skip
    foreign = Principal(b"\1\2\3")
    code, name, text = refusal(create, replica, specified_id=foreign)
    subnet = replica.node.subnet.principal
    assert (code, name) == (4, "IC0405")
    assert text == (
        "Unsuccessful validation of specified ID: Specified CanisterId "
        f"{foreign} is not hosted by subnet {subnet}."
    )


def test_balances_saturate(replica):
    """More than 2^128 - 1 cycles are 2^128 - 1, however they come."""
    most = (1 << 128) - 1
    canister = create(replica, amount=10 << 128)
    assert replica.canister(canister).cycles == most
    management(replica).update("provisional_top_up_canister", {"canister_id": canister, "amount": 7})
    assert replica.canister(canister).cycles == most


def test_installing_over_code_needs_another_mode(replica, rust):
    """IC0514 says which."""
    assert refusal(install, replica, rust.id, wasm("rust/rust")) == (
        5,
        "IC0514",
        (
            f"Canister {rust.id} cannot be installed because the canister is not empty. Try installing with "
            "mode='reinstall' instead.\nCheck that you want to overwrite the canister and, if so, use "
            f"mode='reinstall'. See documentation: {DOCS}#canister-not-empty"
        ),
    )


def test_upgrade_options_are_checked(replica):
    """What Motoko's persistence needs is IC0504, without the canister's name in front."""
    counter = deploy(replica, "motoko/counter", 1)
    assert refusal(install, replica, counter.id, wasm("motoko/counter"), mode="upgrade") == (
        5,
        "IC0504",
        (
            "Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade "
            "option."
        ),
    )
    keep = {"skip_pre_upgrade": None, "wasm_memory_persistence": {"keep": None}}
    _, _, text = refusal(install, replica, counter.id, wasm("rust/rust"), mode="upgrade", options=keep)
    assert text.startswith("Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option")


def test_only_stopped_canisters_are_deleted(replica, rust):
    """Deleting a running canister is IC0510 with advice."""
    code = refusal(management(replica).update, "delete_canister", {"canister_id": rust.id})
    assert code == (
        5,
        "IC0510",
        (
            f"Canister {rust.id} must be stopped before it is deleted.\nStop the canister before deleting it. "
            f"See documentation: {DOCS}#delete-canister-not-stopped"
        ),
    )


# --- chunks and snapshots ------------------------------------------------------------------------------------


def test_the_chunk_store_says_what_is_wrong(replica):
    """Errors of the chunk store are IC0504."""
    canister = create(replica)
    admin = management(replica)
    code, name, text = refusal(
        admin.update, "upload_chunk", {"canister_id": canister, "chunk": bytes(2**20 + 1)}
    )
    assert (code, name) == (5, "IC0504")
    assert text.startswith(
        "Error from Wasm chunk store: Wasm chunk size 1048577 exceeds the maximum chunk size of 1048576.\nUse the "
    )
    call = {
        "mode": {"install": None},
        "target_canister": canister,
        "store_canister": None,
        "chunk_hashes_list": [{"hash": bytes(32)}],
        "wasm_module_hash": bytes(32),
        "arg": b"",
    }
    _, _, text = refusal(admin.update, "install_chunked_code", call)
    assert text.startswith(f"Error from Wasm chunk store: Chunk hash {[0] * 32} was not found.\n")
    _, _, text = refusal(
        admin.update, "install_chunked_code", {**call, "chunk_hashes_list": [{"hash": b"short"}]}
    )
    assert "Chunk hash is invalid. The length is not 32" in text


def test_a_canister_keeps_its_own_chunks(replica, rust):
    """The chunk store's methods serve the canister itself although it does not control itself."""
    hashed = {"hash": hashlib.sha256(b"piece").digest()}
    assert called_by(rust, "upload_chunk", {"canister_id": rust.id, "chunk": b"piece"}) == (hashed,)
    assert called_by(rust, "stored_chunks", {"canister_id": rust.id}) == ([hashed],)
    assert called_by(rust, "clear_chunk_store", {"canister_id": rust.id}) == ()


def test_snapshots(replica):
    """An empty canister has no snapshot, and a missing one is IC0305."""
    canister = create(replica)
    call = {"canister_id": canister, "replace_snapshot": None, "uninstall_code": None}
    assert refusal(management(replica).update, "take_canister_snapshot", call) == (
        4, "IC0406", f"Failed to create snapshot for empty canister {canister}:",
    )  # fmt: skip
    code = refusal(
        management(replica).update,
        "delete_canister_snapshot",
        {"canister_id": canister, "snapshot_id": b"\1"},
    )
    assert code == (
        3,
        "IC0305",
        (
            f"Could not find the snapshot ID 01 for canister {canister}.\nUse the `list_canister_snapshot` API to see "
            f"which snapshots are present. See documentation: {DOCS}#canister-snapshot-not-found"
        ),
    )


# --- what a calling canister sees ----------------------------------------------------------------------------


def test_a_calling_canister_sees_the_text_without_the_code(replica, rust, other):
    """Rejects of management calls have no `IC0…: ` in front, those of other canisters have."""
    trapping = deploy_wat(replica, '(func (export "canister_update f") unreachable)')
    call = {"canister_id": IN_RANGE, "num_requested_changes": None}
    assert called_by(rust, "canister_info", call) == (3, f"Canister {IN_RANGE} not found.")
    reply = rust.update("forward", trapping, "f", b"", 0, None)
    assert reply["Err"]["message"].startswith(f"IC0502: Error from Canister {trapping}: Canister trapped")


def test_a_trap_in_init_as_the_installing_canister_sees_it(replica, rust):
    """The text begins with the canister that trapped."""
    canister = create(replica, settings={"controllers": [rust.id]})
    call = {
        "mode": {"install": None},
        "canister_id": canister,
        "wasm_module": wat('(func (export "canister_init") unreachable)'),
        "arg": b"",
    }
    code, text = called_by(rust, "install_code", call)
    assert code == 5
    assert text.startswith(f"Error from Canister {canister}: Canister trapped: unreachable")


def test_non_controllers(replica, rust, other):
    """A calling canister is told who controls; a user is refused by the filter's short text."""
    code, text = called_by(rust, "start_canister", {"canister_id": other.id})
    assert code == 5
    assert text == (
        f"Only the controllers of the canister {other.id} can control it.\nCanister's controllers: {ALICE}\n"
        f"Sender's ID: {rust.id}\nExecute this call from a controller of the target canister or add the current "
        f"caller as a controller. See documentation: {DOCS}#invalid-controller"
    )
    _, _, text = refusal(management(replica, BOB).update, "start_canister", {"canister_id": other.id})
    assert text == f"Only controllers of canister {other.id} can call ic00 method start_canister"


def test_a_sender_version_is_the_callers(replica, rust):
    """`sender_canister_version` must be the version that the caller saw; this text has its code in front."""
    version = replica.canister(rust.id).version
    call = {"canister_id": rust.id, "settings": {}, "sender_canister_version": version + 1}
    change(replica, rust.id, controllers=[ALICE, rust.id])
    actual = version + 1
    assert called_by(rust, "update_settings", {**call, "sender_canister_version": actual}) == ()
    actual = replica.canister(rust.id).version
    for wrong in (actual - 1, actual + 1, 666):
        code, text = called_by(rust, "update_settings", {**call, "sender_canister_version": wrong})
        assert code == 5
        assert text == (
            f"IC0504: Management canister call payload includes sender canister version {wrong} that does not match "
            f"the actual sender canister version {actual}."
        )
        actual = replica.canister(rust.id).version
    # It is looked at before the fee of a creation, which `forward` does not attach.
    code, text = called_by(rust, "create_canister", {"settings": None, "sender_canister_version": 666})
    assert (code, "sender canister version 666" in text) == (5, True)


def test_management_queries(replica, rust):
    """What is no query method is IC0536."""
    with pytest.raises(RejectError) as caught:
        replica.execute_query(ALICE, Principal.management(), "raw_rand", b"DIDL\0\0")
    assert (caught.value.error_code, caught.value.reject_message) == (
        "IC0536",
        "Query method raw_rand not found.",
    )


# --- logs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def printed(replica, rust):
    for n in range(4):
        rust.update("print", f"line {n}")
    return rust


def lines(replica, canister, selection=None):
    call = {"canister_id": canister, "filter": selection}
    return management(replica).query("fetch_canister_logs", call)["canister_log_records"]


def test_logs_are_selected(replica, printed):
    """A filter gives the records from its start to before its end, by index or by time."""
    every = lines(replica, printed.id)
    assert [record["idx"] for record in every] == [0, 1, 2, 3]
    assert lines(replica, printed.id, {"by_idx": {"start": 1, "end": 3}}) == every[1:3]
    times = [record["timestamp_nanos"] for record in every]
    assert lines(replica, printed.id, {"by_timestamp_nanos": {"start": times[2], "end": times[3]}}) == [
        every[2]
    ]
    assert lines(replica, printed.id, {"by_idx": {"start": 3, "end": 1}}) == []


def test_a_canister_reads_logs_by_a_call(replica, printed):
    """Canisters that may see a log read it replicated; users are told to query."""
    reader = deploy(replica, "rust/rust", 0)
    assert called_by(reader, "fetch_canister_logs", {"canister_id": printed.id, "filter": None}) == (
        4, f"Caller {reader.id} is not allowed to access canister logs",
    )  # fmt: skip
    change(replica, printed.id, log_visibility={"public": None})
    (reply,) = called_by(reader, "fetch_canister_logs", {"canister_id": printed.id, "filter": None})
    assert len(reply["canister_log_records"]) == 4
    call = {"canister_id": printed.id, "filter": None}
    code = refusal(management(replica).update, "fetch_canister_logs", call)
    assert code == (4, "IC0406", "fetch_canister_logs API is not accessible via ingress in replicated mode")


def test_a_log_record_costs_twenty_bytes_more(replica, rust):
    """Index, time and length count, too; a line longer than the log is cut."""
    change(replica, rust.id, log_memory_limit=4096)
    for n in range(5):
        rust.update("print", f"{n}" * 1004)
    assert [record.content[:1] for record in replica.logs(rust.id)] == [b"1", b"2", b"3", b"4"]
    rust.update("print", "x" * 5000)
    (record,) = replica.logs(rust.id)
    assert len(record.content) == 4076


def test_a_smaller_log_forgets_at_once(replica, printed):
    """Lowering `log_memory_limit` purges what no longer fits."""
    change(replica, printed.id, log_memory_limit=0)
    assert replica.logs(printed.id) == []


# --- versions and timers -------------------------------------------------------------------------------------

SEEN = """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "canister_version" (func $version (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (memory 1)
  (func $see
    (i64.store (i32.const 0) (call $version))
    (i64.store (i32.const 8) (call $timer (i64.const 0x7000000000000000))))
  (export "canister_init" (func $see)) (export "canister_post_upgrade" (func $see))
  (func (export "canister_query seen") (call $append (i32.const 0) (i32.const 16)) (call $reply))
"""


def seen(replica, canister):
    reply = replica.execute_query(ALICE, canister, "seen", b"")
    return int.from_bytes(reply[:8], "little"), int.from_bytes(reply[8:], "little")


def test_new_code_sees_the_next_version_and_no_timer(replica):
    """`canister_init` and `canister_post_upgrade` run with the version that the canister will have, the timer off."""
    canister = deploy_wat(replica, "", prelude=SEEN)
    assert seen(replica, canister) == (1, 0)
    install(replica, canister, wat("", SEEN), mode="reinstall")
    assert seen(replica, canister) == (2, 0)
    install(replica, canister, wat("", SEEN), mode="upgrade")
    assert seen(replica, canister) == (3, 0)
    assert replica.canister(canister).version == 3
    assert replica.canister(canister).global_timer_ns == 0x7000000000000000


@pytest.mark.parametrize("mode", ["reinstall", "upgrade"])
def test_a_failed_installation_leaves_version_and_timer(replica, mode):
    """When new code traps, version and timer are as before."""
    canister = deploy_wat(replica, "", prelude=SEEN)
    failing = wat(
        '(func (export "canister_init") unreachable) (func (export "canister_post_upgrade") unreachable)'
    )
    assert refusal(install, replica, canister, failing, mode=mode)[1] == "IC0502"
    record = replica.canister(canister)
    assert (record.version, record.global_timer_ns) == (1, 0x7000000000000000)
