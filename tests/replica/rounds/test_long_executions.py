"""Messages that take several slices: nobody sees them before they end, others go on, and nothing else differs."""

from __future__ import annotations

import gc
import struct
import threading
import weakref

import pytest

from ic_harness.errors import HarnessError, InputError, RejectError
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica.state.config import LONG_EXECUTIONS
from tests.replica.support import ALICE, BOB, Wire, management

from .long_canisters import (
    SLICE,
    START,
    TEN,
    count,
    instructions,
    long_canister,
    rounds_arg,
    sliced,
    submit,
    ticks_until,
)

THREAD = "ic-harness-long-execution"


@pytest.fixture
def replica():
    with sliced() as running:
        yield running
    assert _ended()


def _ended():
    """Whether the threads of long executions end."""
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(60)
    return not [thread for thread in threading.enumerate() if thread.name == THREAD]


@pytest.fixture
def pair(replica):
    return long_canister(replica), long_canister(replica)


def slices(replica, method):
    return -(-instructions(replica, method) // SLICE)


def test_others_go_on(replica, pair):
    """A message of ten slices is answered in the tenth round; another canister answers in each of them."""
    long, other = pair
    with replica.held():
        call = submit(replica, long, "burn")
        for number in range(1, 10):
            answered = submit(replica, other, "burn", 1)
            replica.tick()
            assert answered.done
            assert not call.done
            assert (count(replica, long), count(replica, other)) == (0, number)
        replica.tick()
        assert call.done
    assert slices(replica, "burn") == 10
    assert count(replica, long) == 1


def test_time_stands_still_within(replica, pair):
    """A message sees one time, that of its first round, and counts its instructions over all slices."""
    with replica.held():
        call = submit(replica, pair[0], "burn")
        replica.tick()
        began = replica.round_time_ns
        replica.advance_time(10**9)
        ticks_until(call, replica)
    _, first, last, used = struct.unpack("<QQQQ", call()[:32])
    assert first == last == began
    assert replica.round_time_ns >= START + 10**9
    assert 9 * SLICE < used <= instructions(replica, "burn")


def test_others_of_the_canister_wait(replica, pair):
    with replica.held():
        call, second = submit(replica, pair[0], "burn"), submit(replica, pair[0], "burn", 1)
        assert ticks_until(call, replica) == 10
        assert not second.done
        assert ticks_until(second, replica) == 1
    assert count(replica, pair[0]) == 2


@pytest.mark.parametrize("rounds", [1, 869_335, 869_336, 2_000_000, TEN])
@pytest.mark.parametrize("method", ["burn", "burn_query", "burn_trap", "later", "clean"])
def test_nothing_differs_but_the_rounds(method, rounds):
    """Answers, instructions and cycles are those of a message that is not sliced."""
    found = []
    for options in ({}, {"slice_instructions": 2_000_000_000}):
        with sliced(**options) as replica:
            canister = long_canister(replica)
            try:
                answer = replica.execute_update(BOB, canister, method, rounds_arg(rounds))
            except RejectError as error:
                answer = (error.error_code, str(error))
            costs = [
                (cost.what, cost.instructions, cost.cycles, cost.trapped) for cost in replica.figures()[1]
            ]
            record = replica.canister(canister)
            numbers = (
                record.cycles,
                record.next_number,
                record.version,
                record.memory_used,
                len(record.contexts),
            )
            found.append((answer, costs, numbers, replica.stable_memory(canister), count(replica, canister)))
    assert found[0] == found[1]


def test_a_trap_in_the_last_slice(replica, pair):
    with replica.held():
        call = submit(replica, pair[0], "burn_trap")
        ticks_until(call, replica)
    with pytest.raises(RejectError, match="unreachable"):
        call()
    assert count(replica, pair[0]) == 0


def test_the_limit_of_a_message(replica, pair):
    with replica.limited(instructions=3 * SLICE), replica.held():
        call = submit(replica, pair[0], "burn")
        assert ticks_until(call, replica) == 3
    with pytest.raises(RejectError, match="exceeded the limit"):
        call()


def test_a_timer(replica, pair):
    """Tasks are sliced as calls are."""
    replica.execute_update(BOB, pair[0], "tomorrow", rounds_arg(TEN))
    replica.hold()
    for _ in range(9):
        replica.tick()
        assert count(replica, pair[0]) == 0
    replica.tick()
    assert count(replica, pair[0]) == 1
    replica.tick()
    assert count(replica, pair[0]) == 1


def test_management_waits(replica, pair):
    """A canister stops after the message that it is in; other canisters are managed meanwhile."""
    with replica.held():
        call = submit(replica, pair[0], "burn")
        replica.tick()
        stopping = management(replica).submit("stop_canister", {"canister_id": pair[0]})
        status = management(replica).submit("canister_status", {"canister_id": pair[1]})
        replica.tick()
        assert status()["status"] == {"running": None}
        assert ticks_until(call, replica) == 8
    stopping()
    call()
    assert int(replica.canister(pair[0]).status) == 3
    management(replica).update("start_canister", {"canister_id": pair[0]})
    assert count(replica, pair[0]) == 1


def test_many_at_once(replica):
    """So many run at a time; the others wait for their turn, and all end."""
    canisters = [long_canister(replica) for _ in range(20)]
    short = long_canister(replica)
    with replica.held():
        calls = [submit(replica, canister, "burn", 2_600_000) for canister in canisters]
        ended: list[int] = []
        for number in range(1, 60):
            quick = submit(replica, short, "burn", 1)
            replica.tick()
            assert quick.done
            ended += [number for call in calls if call.done][len(ended) :]
            assert len(replica.node.scheduler.long._running) <= LONG_EXECUTIONS
            if len(ended) == 20:
                break
    rounds = sorted(set(ended))
    assert [ended.count(number) for number in rounds] == [LONG_EXECUTIONS] * 5
    assert [count(replica, canister) for canister in canisters] == [1] * 20


def test_snapshot_in_the_middle(replica, pair):
    """A snapshot has the state before the message, and how many slices it had."""
    with replica.held():
        call = submit(replica, pair[0], "burn")
        for _ in range(4):
            replica.tick()
        taken, before = replica.snapshot(), replica.state_hash()
        ticks_until(call, replica)
        first = replica.state_hash()
        for _ in range(2):
            replica.restore(taken)
            assert replica.state_hash() == before
            assert count(replica, pair[0]) == 0
            for number in range(6):
                assert count(replica, pair[0]) == 0, number
                replica.tick()
            assert count(replica, pair[0]) == 1
            assert replica.state_hash() == first


def test_close_in_the_middle(folder):
    """The replica stops at once; the message runs again when the folder is opened."""
    with sliced(state_dir=folder) as replica:
        canister = long_canister(replica)
        ingress = wire_call(replica, canister)
        for _ in range(3):
            replica.tick()
        assert len(replica.node.scheduler.long.all) == 1
    assert _ended()
    with sliced(state_dir=folder) as replica:
        assert count(replica, canister) == 0
        ticks = 0
        while replica.node.state.requests[ingress].answer is None:
            replica.tick()
            ticks += 1
        assert ticks == 10
        assert count(replica, canister) == 1


def wire_call(replica, canister):
    """Submit a signed call and leave; returns its request id. Calls without envelope end with their process."""
    wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
    envelope = wire.seal_call(canister, "burn", rounds_arg(TEN))
    replica.hold()
    answer = wire.post(f"/api/v2/canister/{canister}/call", envelope.to_cbor())
    assert answer.status == 202
    return envelope.request_id


def test_close_while_it_runs():
    replica = sliced()
    canister = long_canister(replica)
    caller = threading.Thread(target=_call, args=(replica, canister))
    caller.start()
    while not replica.node.scheduler.long.all:
        threading.Event().wait(0.001)
    replica.close()
    caller.join(60)
    assert not caller.is_alive()
    assert _ended()


def _call(replica, canister):
    try:
        replica.execute_update(BOB, canister, "burn", rounds_arg(2**32 - 1))
    except HarnessError:
        return


def test_in_one_round(replica, pair):
    """Calls that were gathered run in one round whatever they need, behind what was under way."""
    replica.hold()
    under_way = submit(replica, pair[1], "burn")
    replica.tick()
    before = replica.node.state.round
    made = replica.in_one_round(
        [lambda one=one: replica.execute_update(ALICE, one, "burn", rounds_arg(TEN)) for one in pair]
    )
    assert under_way.done
    assert [struct.unpack("<I", reply[:4])[0] for reply in made] == [1, 2]
    assert replica.node.state.round == before + 1


def test_stable_memory_replaced_in_the_middle(replica, pair):
    """What a test changes under a message makes it begin anew."""
    with replica.held():
        call = submit(replica, pair[0], "burn")
        replica.tick(5)
        replica.set_stable_memory(pair[0], b"new")  # which runs a round
        assert ticks_until(call, replica) == 9
    assert replica.stable_memory(pair[0])[:3] == b"new"
    assert count(replica, pair[0]) == 1


def test_an_interrupt_changes_nothing(replica, pair):
    """Wasm that is interrupted runs again, up to the slices that it had."""
    with replica.held():
        call = submit(replica, pair[0], "burn")
        for _ in range(9):
            replica.tick()
            assert not call.done
            replica.node.instances.interruption.interrupt()
        replica.tick()
        assert call.done


def test_a_forgotten_replica_keeps_no_thread():
    replica = sliced()
    canister = long_canister(replica)
    replica.hold()
    submit(replica, canister, "burn", 2**32 - 1)
    replica.tick(2)
    assert any(thread.name == THREAD for thread in threading.enumerate())
    runner = weakref.ref(replica.node.runner)
    del replica
    while runner() is not None:  # its thread may still have it in hand for a moment
        gc.collect()
    assert _ended()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"slice_instructions": 999_999}, "a slice can have 1,000,000 to"),
        ({"slice_instructions": 2.0e9}, "a slice can have"),
        ({"slice_instructions": 5_000_000_000}, "a round can have 5,000,000,000 to"),
        ({"round_instructions": 19_000_000}, "a round can have 20,000,000 to"),
    ],
    ids=["small", "float", "above the round", "below the slice"],
)
def test_slices_that_cannot_be(options, text):
    with pytest.raises(InputError, match=text):
        sliced(**options)
