"""Cycles that the code of an installation burns: charged once, seen by later code, given back by a trap."""

from __future__ import annotations

import pytest

from ic_harness.errors import RejectError
from tests.replica.support import create, wat

from .long_canisters import TEN, sliced, ticks_until
from .long_code import installing

BURNT = 1_000_000_007
_CODE = """
  (import "ic0" "cycles_burn128" (func $burn128 (param i64 i64 i32)))
  (import "ic0" "canister_cycle_balance128" (func $balance (param i32)))
  (import "ic0" "canister_liquid_cycle_balance128" (func $liquid (param i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory (export "memory") 1)
  (func $spin (local $rounds i32) (local $value i64)
    (local.set $rounds (i32.const ROUNDS))
    (if (local.get $rounds) (then
      (loop $again
        (local.set $value (i64.rotl (i64.mul (local.get $value) (i64.const 6364136223846793005)) (i64.const 7)))
        (local.set $value (i64.add (local.get $value) (i64.const 1442695040888963407)))
        (local.set $value (i64.xor (local.get $value) (i64.shr_u (local.get $value) (i64.const 3))))
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (br_if $again (local.get $rounds)))))
    (i64.store (i32.const 64) (local.get $value)))
  (func $burn (param $amount i64)
    (call $balance (i32.const 0))
    (call $liquid (i32.const 16))
    (call $burn128 (i64.const 0) (local.get $amount) (i32.const 32))
    (call $print (i32.const 0) (i32.const 48))
    (call $spin))
  (func (export "canister_pre_upgrade") (call $burn (i64.const BURNT)))
  (func (export "canister_post_upgrade") (call $burn (i64.const AFTER)) TRAP)
"""


def module(*, rounds=0, after=3, trap=""):
    """Code that burns `BURNT` cycles before an upgrade and `after` after it, and prints what it saw and burned."""
    text = _CODE.replace("ROUNDS", str(rounds)).replace("BURNT", str(BURNT))
    return wat(text.replace("AFTER", str(after)).replace("TRAP", trap), prelude="")


def upgraded(replica, new):
    """Install and upgrade: the cycles that went, those that were burned, and of each run what it saw and burned."""
    canister = create(replica)
    replica.hold()
    call = installing(replica, canister, 0, module=new)
    ticks_until(call, replica)
    call()
    record, state = replica.canister(canister), replica.node.state
    before = record.cycles, state.consumed_cycles, record.cycles_burned
    call = installing(replica, canister, 0, mode="upgrade", module=new)
    ticks_until(call, replica)
    try:
        call()
    except RejectError as error:
        assert error.error_code == "IC0502"  # noqa: PT017  the tests say whether it may trap
    went = before[0] - record.cycles
    assert went == state.consumed_cycles - before[1]
    lines = [entry.content for entry in record.logs if not entry.content.startswith(b"[TRAP]")]
    runs = [tuple(int.from_bytes(line[at : at + 16], "little") for at in (0, 16, 32)) for line in lines]
    return went, record.cycles_burned - before[2], runs


@pytest.mark.parametrize("rounds", [0, TEN], ids=["at once", "sliced"])
def test_both_burn(rounds):
    """What pre_upgrade burns is gone when post_upgrade looks, and both are charged."""
    with sliced() as replica:
        went, burned, (first, second) = upgraded(replica, module(rounds=rounds))
    with sliced() as replica:
        fees = upgraded(replica, module(rounds=rounds, after=0))[0] - BURNT
    assert first[2] == BURNT
    assert second == (first[0] - BURNT, first[1] - BURNT, 3)
    assert burned == BURNT + 3
    assert went == fees + BURNT + 3
    assert fees > 0


@pytest.mark.parametrize("rounds", [0, TEN], ids=["at once", "sliced"])
def test_all_that_is_left(rounds):
    """Both together cannot burn more than is liquid."""
    with sliced() as replica:
        _, burned, (first, second) = upgraded(replica, module(rounds=rounds, after=-1))
    assert second[1] == second[2] == first[1] - BURNT
    assert burned == first[1]


@pytest.mark.parametrize("rounds", [0, TEN], ids=["at once", "sliced"])
def test_a_trap_burns_nothing(rounds):
    """When post_upgrade traps the canister is as before, its cycles too."""
    with sliced() as replica:
        _, burned, runs = upgraded(replica, module(rounds=rounds, trap="unreachable"))
    assert burned == 0
    assert runs[0][2] == BURNT
