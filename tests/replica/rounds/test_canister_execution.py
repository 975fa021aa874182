"""Messages as transactions: traps, callbacks, cleanup, cycles, tasks."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.replica.execution import frame, interface
from ic_harness.replica.state.replicated_state import Status
from tests.replica.support import BOB, FREE, create, deploy, deploy_wat, did, install, management, wat

NOTHING = b"DIDL\0\0"
SECOND = 1_000_000_000


def cycles(replica, canister):
    return replica.canister(canister.id).cycles


def accept(amount):
    return candid.encode((amount,), did("rust/rust").methods["accept_cycles"].arg_types)


def test_a_trap_takes_back_only_its_own_message(rust):
    """After an await the earlier message's changes stay, those of the trapping callback go."""
    before = rust.query("state")
    with pytest.raises(RejectError, match="after the call"):
        rust.update("add_then_trap_after_call", 10)
    after = rust.query("state")
    assert (after["count"], after["heap_only"]) == (before["count"] + 10, before["heap_only"])


def test_a_trap_bumps_no_version(replica, rust):
    """The version rises with each message that succeeded, and not with one that trapped."""
    version = replica.canister(rust.id).version
    with pytest.raises(RejectError):
        rust.update("trap", "x")
    assert replica.canister(rust.id).version == version
    rust.update("add", 1)
    assert replica.canister(rust.id).version == version + 1


def test_a_query_called_as_an_update_bumps_the_version(replica, rust):
    """A replicated query is a message that succeeded too; one that is asked without consensus leaves no trace."""
    version = replica.canister(rust.id).version
    rust.update("get")
    assert replica.canister(rust.id).version == version + 1
    rust.query("get")
    assert replica.canister(rust.id).version == version + 1


@FREE
def test_cycles_go_as_far_as_they_are_accepted(replica, rust, other):
    """What the callee accepts moves, the rest comes back with the reply."""
    before = cycles(replica, rust), cycles(replica, other)
    rust.update("forward", other.id, "accept_cycles", accept(30), 100, None)
    assert (cycles(replica, rust), cycles(replica, other)) == (before[0] - 30, before[1] + 30)


@pytest.mark.parametrize("method", ["trap", "absent"])
@FREE
def test_cycles_come_back_from_failures(replica, rust, other, method):
    """A callee that traps or does not exist gives all cycles back."""
    before = cycles(replica, rust)
    arg = candid.encode(("x",), did("rust/rust").methods["trap"].arg_types)
    reply = rust.update("forward", other.id, method, arg, 100, None)
    assert reply["Err"]["code"] == 5
    assert cycles(replica, rust) == before


def test_a_call_to_a_missing_canister_is_rejected_asynchronously(replica, rust):
    """Calling a canister that does not exist gives reject code 3 in the callback."""
    ghost = Principal.from_text("r7inp-6aaaa-aaaaa-aaabq-cai")
    reply = rust.update("forward", ghost, "x", NOTHING, 0, None)
    assert reply["Err"] == {"code": 3, "message": f"Canister {ghost} not found"}


@pytest.mark.parametrize("callee", [BOB, Principal(b"\1\2\3"), Principal.from_text("2vxsx-fae")])
def test_there_is_no_route_to_an_id_of_no_subnet(rust, callee):
    """An id outside the subnet's ranges is rejected by message routing, without an error code in the text."""
    reply = rust.update("forward", callee, "x", NOTHING, 0, None)
    assert reply["Err"] == {"code": 3, "message": f"No route to canister {callee}"}


def test_calls_to_stopped_and_empty_canisters(replica, rust, other):
    """A stopped canister's reject is made by message routing, without an error code; an empty one's by execution."""
    management(replica).update("stop_canister", {"canister_id": other.id})
    reply = rust.update("forward", other.id, "get", NOTHING, 0, None)
    assert reply["Err"] == {"code": 5, "message": f"Canister {other.id} is stopped"}
    reply = rust.update("forward", create(replica), "get", NOTHING, 0, None)
    assert reply["Err"]["message"].startswith("IC0537: ")


@FREE
def test_a_best_effort_call_is_given_up_at_its_deadline(replica, rust, other, room):
    """When the deadline passes before the answer, the caller gets code 6; the late answer is dropped."""
    before = cycles(replica, rust)
    room(1)
    with replica.held():
        other.submit("add", 1)  # the one message of this round
        finish = rust.submit("forward", other.id, "get", NOTHING, 5, 10)
        replica.tick()
        replica.advance_time(11 * SECOND)
        room(100)
        replica.tick(3)
        assert finish()["Err"] == {"code": 6, "message": "Call deadline has expired."}
    assert replica.canister(rust.id).contexts == {}
    # Cycles on a bounded-wait call whose deadline passed are lost to the caller.
    assert cycles(replica, rust) == before - 5


def test_a_best_effort_call_in_time_is_answered(rust, other):
    """Within its time a best-effort call is a call like any other."""
    assert "Ok" in rust.update("forward", other.id, "get", NOTHING, 0, 10)


def test_not_answering_is_an_error(replica):
    """A canister that returns without an answer and without open calls gives IC0506."""
    canister = deploy_wat(replica, '(func (export "canister_update silent"))')
    with pytest.raises(RejectError, match="did not reply") as caught:
        replica.execute_update(BOB, canister, "silent", b"")
    assert (caught.value.reject_code, caught.value.error_code) == (5, "IC0506")


FIRED = '(func (export "canister_query fired") (call $show))'
TIMER = f"""
  (func (export "canister_update arm") (call $wake_after (i64.const 1000000000)) (call $reply))
  (export "canister_global_timer" (func $count)) {FIRED}
"""


def fired(replica, canister):
    return replica.execute_query(BOB, canister, "fired", b"")[0]


def test_a_timer_fires_once_when_its_time_has_come(replica):
    """A global timer fires in the first round at or after its time, and only once."""
    canister = deploy_wat(replica, TIMER)
    replica.execute_update(BOB, canister, "arm", b"")
    replica.tick(3)
    assert fired(replica, canister) == 0
    replica.advance_time(SECOND)
    replica.tick(3)
    assert fired(replica, canister) == 1


def test_timers_rest_while_stopped(replica):
    """A stopped canister's timer does not fire; it fires after the start."""
    canister = deploy_wat(replica, TIMER)
    replica.execute_update(BOB, canister, "arm", b"")
    management(replica).update("stop_canister", {"canister_id": canister})
    replica.advance_time(2 * SECOND)
    replica.tick(2)
    assert fired_after_start(replica, canister) == 1


def fired_after_start(replica, canister):
    management(replica).update("start_canister", {"canister_id": canister})
    replica.tick()
    return fired(replica, canister)


def test_an_upgrade_clears_the_timer(replica):
    """Timers do not survive an upgrade."""
    canister = deploy_wat(replica, TIMER)
    replica.execute_update(BOB, canister, "arm", b"")
    install(replica, canister, wat(TIMER), mode="upgrade")
    replica.advance_time(2 * SECOND)
    replica.tick(2)
    assert fired(replica, canister) == 0


HEARTBEAT = f'(export "canister_heartbeat" (func $count)) {FIRED}'


def test_heartbeats_come_with_every_round(replica):
    """A heartbeat runs once a round, and not while the canister is stopped."""
    canister = deploy_wat(replica, HEARTBEAT)
    before = fired(replica, canister)
    replica.tick(5)
    assert fired(replica, canister) == before + 5
    management(replica).update("stop_canister", {"canister_id": canister})
    assert replica.canister(canister).status is Status.STOPPED


def test_a_task_that_traps_leaves_nothing(replica):
    """A trap in a heartbeat is logged and rolls back that heartbeat only."""
    trapping = f'(func (export "canister_heartbeat") (call $count) (call $fail)) {FIRED}'
    canister = deploy_wat(replica, trapping)
    replica.tick(2)
    assert fired(replica, canister) == 0
    assert any(b"[TRAP]" in record.content for record in replica.logs(canister))


def test_low_memory_is_announced_once(replica):
    """on_low_wasm_memory runs once when the remaining memory falls below the threshold."""
    text = f"""
      (export "canister_on_low_wasm_memory" (func $count)) {FIRED}
      (func (export "canister_update grow") (drop (memory.grow (i32.const 4))) (call $reply))"""
    canister = deploy_wat(replica, text, wasm_memory_limit=10 * 65536, wasm_memory_threshold=3 * 65536)
    replica.execute_update(BOB, canister, "grow", b"")
    replica.tick()
    assert fired(replica, canister) == 0
    replica.execute_update(BOB, canister, "grow", b"")
    replica.tick(3)
    assert fired(replica, canister) == 1


def test_motoko_awaits(replica):
    """Motoko's async code: calls in a row, in parallel, caught rejects, one-way calls."""
    counter, caller = deploy(replica, "motoko/counter", 0), deploy(replica, "motoko/caller")
    target = str(counter.id)
    assert caller.update("in_a_row", target) == (1, 2)
    caller.update("in_parallel", target)
    assert [kind for kind, _ in caller.update("caught", target)] == [
        "#canister_reject",
        "#canister_error",
        "#canister_error",
    ]
    assert caller.update("who_calls", target) == caller.id
    with pytest.raises(RejectError, match="assertion failed"):
        caller.update("trap_after_call", target)


def test_rust_timers_and_parallel_calls(replica, rust, other):
    """ic-cdk's timers run through self-calls; many calls at once all come back."""
    replies = rust.update("fan_out", other.id, "get", NOTHING, 20)
    assert len(replies) == 20
    rust.update("every", 1000)
    replica.advance_time(SECOND)
    replica.tick(4)
    assert rust.query("state")["ticks"] == 1


def test_an_endless_loop_is_stopped_and_others_go_on(monkeypatch, rust, other):
    """A message that never ends hits the instruction limit; other canisters notice nothing."""
    real = interface.Environment
    monkeypatch.setattr(
        frame, "Environment", lambda **given: real(**{**given, "instruction_limit": 1_000_000})
    )
    with pytest.raises(RejectError) as caught:
        rust.update("spin")
    assert caught.value.error_code == "IC0522"
    assert other.query("get") == 100


def test_memory_that_grows_for_ever_is_stopped(replica):
    """Growing beyond the limit fails inside the canister, which goes on."""
    text = """(func (export "canister_update grow")
        (i32.store8 (i32.const 0) (i32.eq (memory.grow (i32.const 100)) (i32.const -1)))
        (call $append (i32.const 0) (i32.const 1)) (call $reply))"""
    canister = deploy_wat(replica, text, wasm_memory_limit=64 * 65536)
    with pytest.raises(RejectError) as caught:
        assert replica.execute_update(BOB, canister, "grow", b"") != b"\1"
    assert caught.value.error_code in {"IC0539", "IC0502"}


CLEANUP = """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_self_copy" (func $self (param i32 i32 i32)))
  (memory 1) (table 2 funcref) (elem (i32.const 0) $callback $cleanup)
  (data (i32.const 100) "answer") (data (i32.const 200) "first") (data (i32.const 300) "second")
  (func $callback (param i32) (call $trap (i32.const 200) (i32.const 5)))
  (func $cleanup (param i32) (call $trap (i32.const 300) (i32.const 6)))
  (func (export "canister_update go")
    (call $self (i32.const 0) (i32.const 0) (i32.const 10))
    (call $new (i32.const 0) (i32.const 10) (i32.const 100) (i32.const 6)
               (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $on_cleanup (i32.const 1) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update answer") (call $reply))
"""


def test_a_failing_cleanup_is_told_without_advice(replica):
    """Both failures stand in one text, each with its own trace, and no advice follows."""
    canister = deploy_wat(replica, "", prelude=CLEANUP)
    with pytest.raises(RejectError) as caught:
        replica.execute_update(BOB, canister, "go", b"")
    trace = "\nCanister Backtrace:\n{}\n"
    assert caught.value.reject_message == (
        f"Error from Canister {canister}: Canister called `ic0.trap` with message: 'first'"
        f"{trace.format('callback')}\n\ncall_on_cleanup also failed:\n\n"
        f"Canister called `ic0.trap` with message: 'second'{trace.format('cleanup')}"
    )
    assert caught.value.error_code == "IC0503"


def test_the_host_learns_that_a_canister_is_empty_as_a_user_would(replica, rust):
    """A call submitted by the host to a canister without code is refused with the ingress filter's text."""
    with pytest.raises(RejectError) as caught:
        replica.execute_update(BOB, create(replica), "get", NOTHING)
    assert (caught.value.error_code, caught.value.reject_message) == (
        "IC0537", "Requested canister has no wasm module",
    )  # fmt: skip
