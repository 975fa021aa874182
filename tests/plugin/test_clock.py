"""`clock` moves the network's time, and what is due has run afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import wasmtime

from ic_harness.errors import InputError, NetworkError
from ic_harness.networks import deploy_canister, embedded
from ic_harness.networks.passing_time import wait_until
from ic_harness.testing.plugin.network_clock import Clock
from ic_harness.units import SECOND
from tests.replica.support import CANISTERS, wasm


@pytest.fixture
def network():
    with embedded() as running:
        yield running


@pytest.fixture
def clock(network):
    return Clock(network)


@pytest.fixture
def rust(network):
    return deploy_canister(network, wasm("rust/rust"), (0,), interface=CANISTERS / "rust" / "rust.did")


@pytest.fixture
def motoko(network):
    return deploy_canister(network, wasm("motoko/timers"), interface=CANISTERS / "motoko" / "timers.did")


def test_intervals_do_not_lag(clock, rust, motoko):
    """After each step the timers that were due have run, calls to themselves included."""
    rust.every(60_000)
    motoko.every(60 * SECOND)
    for fired in (1, 2, 3):
        clock.advance(timedelta(minutes=1))
        assert (rust.state()["ticks"], motoko.seen()["ticks"]) == (fired, fired)


def test_steps_fire_whenever_it_is_due(clock, rust, motoko):
    """In steps an interval fires as often as it does on a network; in a jump its library decides."""
    rust.every(10_000)
    motoko.every(10 * SECOND)
    clock.advance(65, step=5)
    assert (rust.state()["ticks"], motoko.seen()["ticks"]) == (6, 6)
    before = clock.now_ns
    clock.advance(2.5, step=1)
    assert 2.5 * SECOND <= clock.now_ns - before < 60 * SECOND


def test_time_is_set(clock, motoko):
    """A time is set as a datetime or in nanoseconds, forward only."""
    later = datetime.fromtimestamp(clock.now_ns // SECOND, UTC) + timedelta(days=2, microseconds=1)
    motoko.after(86_400 * SECOND)
    clock.set(later)
    assert motoko.seen()["once"] == 1
    assert clock.now_ns >= int(later.timestamp()) * SECOND + 1000
    clock.set(clock.now_ns + 3600 * SECOND)
    with pytest.raises(InputError, match="no time zone"):
        clock.set(later.replace(tzinfo=None))
    with pytest.raises(Exception, match="time goes forward only"):
        clock.set(1)
    for wrong in ({"seconds": -1}, {"seconds": 1, "step": 0}):
        with pytest.raises(InputError, match="time goes forward only"):
            clock.advance(**wrong)


def test_rounds_are_run(network, clock):
    """`tick` runs rounds whether there is work or not: a heartbeat beats in each."""
    beating = deploy_canister(
        network, bytes(wasmtime.wat2wasm(BEATING)), interface="service : { get : () -> (nat8) query }"
    )
    before = beating.get()
    clock.tick(3)
    assert beating.get() >= before + 3


BEATING = """
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\7b")
  (func (export "canister_heartbeat") (i32.store8 (i32.const 7) (i32.add (i32.load8_u (i32.const 7)) (i32.const 1))))
  (func (export "canister_query get") (call $append (i32.const 0) (i32.const 8)) (call $reply)))
"""
RESTLESS = """
(module
  (import "ic0" "global_timer_set" (func $set (param i64) (result i64)))
  (func (export "canister_init") (drop (call $set (i64.const 1))))
  (func (export "canister_global_timer") (drop (call $set (i64.const 1)))))
"""


def test_canisters_without_rest_are_an_error(network, clock):
    """A timer that is always due is an error after a limit, and no endless loop."""
    deploy_canister(network, bytes(wasmtime.wat2wasm(RESTLESS)))
    with pytest.raises(NetworkError, match="still busy after 1000 rounds"):
        clock.advance(1)
    network.replica.hold()
    clock.advance(1)  # held rounds are run by hand
    network.replica.release()


def test_frequent_timers_come_to_rest(clock, rust):
    """A timer of a millisecond does not keep `advance` busy: what becomes due in real time does not count."""
    rust.every(1)
    clock.advance(1)
    assert rust.state()["ticks"] > 0


def test_until(network, rust):
    """`until` moves the time until the condition is true, and returns its value."""
    rust.every(10_000)
    began = network.time_ns()
    assert network.until(lambda: rust.state()["ticks"] >= 3 and "three", step_s=5) == "three"
    assert 30 * SECOND <= network.time_ns() - began < 60 * SECOND
    with pytest.raises(NetworkError, match="stayed false on the network embedded for 20 s of its own time"):
        network.until(lambda: rust.state()["ticks"] > 100, within_s=20, step_s=7)
    with pytest.raises(InputError, match="a step must be longer"):
        network.until(lambda: False, step_s=0)


def test_until_in_real_time():
    """Where the time cannot be moved, real time passes."""
    answers = iter([0, 0, 7])
    assert wait_until("dfx", lambda: next(answers), within_s=60) == 7
    with pytest.raises(NetworkError, match="for 0 s of real time"):
        wait_until("dfx", lambda: False, within_s=0)
