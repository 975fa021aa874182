"""Creating, starting, stopping, deleting canisters, and their settings."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.units import MAX_CYCLES
from tests.replica.support import ALICE, BOB, FREE, create, deploy, deploy_wat, install, management, wasm

# Calls itself, and again whenever an answer comes: its call context stays open for ever.
SELF_CALLER = """
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
  (memory 1) (table 1 funcref) (elem (i32.const 0) $again) (data (i32.const 100) "again")
  (func $again (param i32)
    (call $self (i32.const 0) (i32.const 0) (i32.const 10))
    (call $new (i32.const 0) (i32.const 10) (i32.const 100) (i32.const 5)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update again") (call $again (i32.const 0)))
"""
FIRST = "rwlgt-iiaaa-aaaaa-aaaaa-cai"


def code_of(action, *args, **kwargs):
    with pytest.raises(RejectError) as caught:
        action(*args, **kwargs)
    return caught.value.error_code


def test_ids_count_up_from_the_first_of_the_range(replica):
    """New canisters get the ids of a counter."""
    assert [str(create(replica)) for _ in range(2)] == [FIRST, "rrkah-fqaaa-aaaaa-aaaaq-cai"]


def test_an_id_can_be_chosen_once(replica):
    """specified_id is honoured, the counter steps over it, and nobody gets it twice."""
    second = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
    assert create(replica, specified_id=second) == second
    assert code_of(create, replica, specified_id=second) == "IC0538"
    assert str(create(replica)) == FIRST
    assert create(replica) != second
    assert code_of(create, replica, specified_id=Principal(b"\1\2\3")) == "IC0405"


def test_cycles_of_a_new_canister(replica):
    """The amount is what was asked for, 100 T by default."""
    amounts = [replica.canister(create(replica, amount=wanted)).cycles for wanted in (None, 0, 5)]
    assert amounts == [100_000_000_000_000, 0, 5]


@pytest.mark.parametrize("bits", [20_000, 200, 128])
@FREE
def test_balances_saturate(replica, rust, bits):
    """Cycles beyond 128 bits are lost: of a creation, a top-up, a deposit. 2^20,000 has too many digits to print."""
    amount = (1 << bits) - 1
    created = create(replica, amount=amount)
    assert replica.canister(created).cycles == MAX_CYCLES
    for _ in range(2):
        management(replica).update("provisional_top_up_canister", {"canister_id": rust.id, "amount": amount})
    assert replica.canister(rust.id).cycles == MAX_CYCLES
    known = management(replica).service.methods["deposit_cycles"]
    arg = candid.encode(({"canister_id": created},), known.arg_types)
    rust.update("forward", Principal.management(), "deposit_cycles", arg, 77, None)
    assert [replica.canister(each).cycles for each in (created, rust.id)] == [MAX_CYCLES, MAX_CYCLES - 77]
    status = management(replica).update("canister_status", {"canister_id": created})
    assert status["cycles"] == MAX_CYCLES


ENDLESS = b"DIDL\x01\x6d" + b"\xff" * 5_000 + b"\x01"
"""A type index of 35,000 bits: an error that prints it would be a `ValueError` inside a round."""


@pytest.mark.parametrize(
    "method", ["update_settings", "install_code", "canister_status", "provisional_top_up_canister"]
)
def test_an_endless_number_in_an_argument_is_refused(replica, rust, method):
    """A user and a canister that send one are rejected, and the replica goes on."""
    with pytest.raises(RejectError):
        replica.execute_update(ALICE, Principal.management(), method, ENDLESS)
    assert "Err" in rust.update("forward", Principal.management(), method, ENDLESS, 0, None)
    assert replica.canister(create(replica)).cycles


def test_settings_beyond_every_digit_are_refused(replica):
    """A number of thousands of digits in the settings is refused like any that is too large."""
    settings = {"compute_allocation": 1 << 20_000}
    action = management(replica).update
    assert code_of(action, "update_settings", {"canister_id": create(replica), "settings": settings})


def test_the_creator_controls(replica):
    """Without settings the caller is the only controller; others may do nothing."""
    canister = create(replica)
    assert replica.canister(canister).settings.controllers == (ALICE.raw,)
    for method in ("start_canister", "stop_canister", "delete_canister", "uninstall_code", "canister_status"):
        assert code_of(management(replica, BOB).update, method, {"canister_id": canister}) == "IC0512"


def test_update_settings_changes_what_is_given(replica):
    """Only the present fields change, and the version rises."""
    canister = create(replica)
    settings = {"controllers": [BOB, ALICE], "freezing_threshold": 5, "log_visibility": {"public": None}}
    management(replica).update("update_settings", {"canister_id": canister, "settings": settings})
    status = management(replica, BOB).update("canister_status", {"canister_id": canister})
    assert sorted(status["settings"]["controllers"]) == sorted([ALICE, BOB])
    assert status["settings"]["freezing_threshold"] == 5
    assert status["settings"]["memory_allocation"] == 0
    assert status["settings"]["log_visibility"] == {"public": None}
    assert status["version"] == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"controllers": [Principal(bytes([n])) for n in range(11)]},
        {"compute_allocation": 101},
        {"memory_allocation": (1 << 48) + 1},
        {"memory_allocation": 1 << 48},
        {"freezing_threshold": 1 << 64},
        {"environment_variables": [{"name": str(n), "value": ""} for n in range(21)]},
        {"environment_variables": [{"name": "a", "value": ""}, {"name": "a", "value": ""}]},
        {"environment_variables": [{"name": "n" * 129, "value": ""}]},
    ],
)
def test_settings_out_of_range_change_nothing(replica, settings):
    """Settings beyond their limits are refused as a whole."""
    canister = create(replica)
    before = replica.canister(canister).settings
    call = {"canister_id": canister, "settings": {"wasm_memory_limit": 7, **settings}}
    assert code_of(management(replica).update, "update_settings", call)
    assert replica.canister(canister).settings == before


def test_environment_variables_reach_the_canister(replica):
    """A canister reads its environment variables."""
    canister = deploy(replica, "rust/rust", 0)
    variables = [{"name": "COLOUR", "value": "blue"}]
    call = {"canister_id": canister.id, "settings": {"environment_variables": variables}}
    management(replica).update("update_settings", call)
    assert canister.query("environment") == [("COLOUR", "blue")]


def test_a_stopped_canister_refuses_calls_until_started(replica, rust):
    """Stop answers when the canister is stopped; start makes it serve again."""
    management(replica).update("stop_canister", {"canister_id": rust.id})
    assert code_of(rust.update, "add", 1) == "IC0508"
    management(replica).update("start_canister", {"canister_id": rust.id})
    assert rust.update("add", 1) == 8


def test_starting_and_stopping_bump_the_version(replica, rust):
    """Each successful call bumps it, also one that finds nothing to do, and so does becoming stopped."""
    version = replica.canister(rust.id).version
    for method, bumps in [("start", 1), ("stop", 2), ("stop", 1), ("start", 1)]:
        management(replica).update(f"{method}_canister", {"canister_id": rust.id})
        version += bumps
        assert replica.canister(rust.id).version == version, method


def test_stopping_waits_for_open_calls(replica, rust, room):
    """With an open call it is stopping: new calls are refused, callbacks run, then stop is answered."""
    slow = deploy(replica, "rust/rust", 0)
    room(1)
    with replica.held():
        finish = rust.submit("forward", slow.id, "get", b"DIDL\0\0", 0, None)
        replica.tick()
        room(0)
        stop = management(replica).submit("stop_canister", {"canister_id": rust.id})
        replica.tick()
        assert replica.canister(rust.id).status.name == "STOPPING"
        late = rust.submit("add", 1)
        room(100)
        replica.tick(3)
    assert "Ok" in finish()
    assert code_of(late) == "IC0509"
    assert stop() is None
    assert replica.canister(rust.id).status.name == "STOPPED"


def test_starting_cancels_a_waiting_stop(replica, rust, other, room):
    """start_canister while stopping answers the waiting stop with IC0511."""
    room(1)
    with replica.held():
        rust.submit("forward", other.id, "get", b"DIDL\0\0", 0, None)
        replica.tick()
        stop = management(replica).submit("stop_canister", {"canister_id": rust.id})
        start = management(replica).submit("start_canister", {"canister_id": rust.id})
        replica.tick(3)
    assert code_of(stop) == "IC0511"
    assert start() is None


def test_a_stop_that_lasts_too_long_is_given_up(replica):
    """After five minutes stop_canister is answered with a timeout; the canister goes on stopping."""
    canister = deploy_wat(replica, SELF_CALLER, prelude="")
    with replica.held():
        replica.submit_update(ALICE, canister, "again", b"")
        replica.tick(2)
        stop = management(replica).submit("stop_canister", {"canister_id": canister})
        replica.tick()
        replica.advance_time(301_000_000_000)
        replica.tick(2)
        assert code_of(stop) == "IC0206"
        assert replica.canister(canister).status.name == "STOPPING"


def test_only_stopped_canisters_can_be_deleted(replica, rust):
    """delete_canister wants a stopped canister; afterwards it does not exist."""
    assert code_of(management(replica).update, "delete_canister", {"canister_id": rust.id}) == "IC0510"
    management(replica).update("stop_canister", {"canister_id": rust.id})
    management(replica).update("delete_canister", {"canister_id": rust.id})
    assert code_of(rust.update, "add", 1) == "IC0301"
    assert code_of(management(replica).update, "start_canister", {"canister_id": rust.id}) == "IC0301"


@FREE
def test_canisters_create_canisters(replica, rust):
    """create_canister is for canisters, with the cycles that they attach."""
    known = management(replica).service.methods["create_canister"]
    arg = candid.encode(({"settings": None},), known.arg_types)
    reply = rust.update("forward", Principal.management(), "create_canister", arg, 1000, None)
    created = candid.decode(reply["Ok"], known.return_types)[0]["canister_id"]
    assert replica.canister(created).cycles == 1000
    assert replica.canister(created).settings.controllers == (rust.id.raw,)
    assert code_of(management(replica).update, "create_canister", {"settings": None}) == "IC0406"


@FREE
def test_deposits_and_top_ups(replica, rust, other):
    """deposit_cycles moves cycles between canisters, provisional_top_up makes them."""
    known = management(replica).service.methods["deposit_cycles"]
    before = [replica.canister(c.id).cycles for c in (rust, other)]
    arg = candid.encode(({"canister_id": other.id},), known.arg_types)
    rust.update("forward", Principal.management(), "deposit_cycles", arg, 77, None)
    after = [replica.canister(c.id).cycles for c in (rust, other)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [-77, 77]
    management(replica).update("provisional_top_up_canister", {"canister_id": other.id, "amount": 3})
    assert replica.canister(other.id).cycles == after[1] + 3


def test_status_viewers_may_see_the_status(replica):
    """status_visibility opens canister_status to others."""
    canister = create(replica, settings={"status_visibility": {"allowed_viewers": [BOB]}})
    assert management(replica, BOB).update("canister_status", {"canister_id": canister})["version"] == 0
    assert management(replica, BOB).query("canister_status", {"canister_id": canister})["cycles"] > 0


def test_random_numbers_follow_from_the_seed(replica, rust):
    """raw_rand gives other bytes each time, the same ones on a network of the same seed."""
    drawn = [rust.update("random") for _ in range(2)]
    with Replica(ReplicaConfig(seed=b"test", clock=ManualClock())) as twin:
        canister = deploy(twin, "rust/rust", 7)
        assert [canister.update("random") for _ in range(2)] == drawn
    assert drawn[0] != drawn[1]


def test_installing_is_for_controllers(replica, rust):
    """Nobody else replaces the code of a canister."""
    assert code_of(install, replica, rust.id, wasm("rust/rust"), mode="reinstall", sender=BOB) == "IC0512"


def test_memory_metrics(replica):
    """canister_status tells where a canister's bytes are: heap, stable memory, globals, code."""
    canister = deploy_wat(
        replica,
        """(import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
           (memory 3) (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0)) (global i32 (i32.const 0))
           (func (export "canister_init") (drop (call $grow (i64.const 2))))""",
        prelude="",
    )
    metrics = management(replica).update("canister_status", {"canister_id": canister})["memory_metrics"]
    assert metrics["wasm_memory_size"] == 3 * 65536
    assert metrics["stable_memory_size"] == 2 * 65536
    assert metrics["global_memory_size"] == 2 * 8
    assert 0 < metrics["wasm_binary_size"] < 1000
