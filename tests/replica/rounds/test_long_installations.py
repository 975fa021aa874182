"""Installations of several slices: invisible before they end, other canisters go on, and nothing else differs."""

from __future__ import annotations

import threading

import pytest

from ic_harness.errors import HarnessError, RejectError
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica.execution import observed
from ic_harness.replica.state.replicated_state import FromCanister, Request
from tests.replica.support import ALICE, MANAGEMENT, Wire, create, management

from .long_canisters import TEN, rounds_arg, sliced, submit, ticks_until
from .long_code import GOOD, TRAPPING, encoded, installed, installing, leaving, managed, seen


@pytest.fixture
def replica():
    with sliced() as running:
        yield running


def test_others_go_on(replica):
    """An installation of ten slices is answered in the tenth round; other canisters answer and are managed in each."""
    canister, other = create(replica), installed(replica)
    with replica.held():
        call = installing(replica, canister)
        for _ in range(9):
            answered = submit(replica, other, "burn", 1)
            status = managed(replica, "canister_status", {"canister_id": other})
            replica.tick()
            assert answered.done
            assert status.done
            assert not call.done
            assert not replica.canister(canister).installed
        replica.tick()
        assert call.done
    call()
    _, _, began, _, ended = seen(replica, canister)
    assert began == ended < replica.round_time_ns
    assert replica.canister(canister).installed_ns == began


def test_the_canister_waits(replica):
    """Neither messages nor management calls of the canister run meanwhile; queries see the old code and state."""
    canister = installed(replica)
    leaving(replica, canister, TEN)
    before = seen(replica, canister)
    with replica.held():
        call = installing(replica, canister, mode="upgrade")
        update = submit(replica, canister, "burn", 1)
        stopping = managed(replica, "stop_canister", {"canister_id": canister})
        for _ in range(18):
            replica.tick()
            assert not any(waiting.done for waiting in (call, update, stopping))
            assert seen(replica, canister) == before
            assert int(replica.canister(canister).status) == 1
        # Each run of Wasm begins in the slice in which the one before it ended, as on mainnet.
        assert ticks_until(call, replica) == 1
        ticks_until(update, replica)
        ticks_until(stopping, replica)
    management(replica).update("start_canister", {"canister_id": canister})
    assert seen(replica, canister)[:2] == (1, 1)


@pytest.mark.parametrize("mode", ["uninstall_code", "delete_canister"])
def test_removed_after_it(replica, mode):
    """What removes a canister waits for the end of its installation."""
    canister = create(replica)
    management(replica).update("stop_canister", {"canister_id": canister})
    with replica.held():
        call = installing(replica, canister)
        replica.tick()
        gone = managed(replica, mode, {"canister_id": canister})
        assert ticks_until(call, replica) == 9
        ticks_until(gone, replica)
    call()
    gone()
    assert replica.node.scheduler.long.all == {}


def test_one_at_a_time(replica):
    """A second installation waits for the end of a long one, short ones too; messages are sliced beside it."""
    *canisters, other = [create(replica) for _ in range(4)]
    busy = installed(replica)
    with replica.held():
        calls = [installing(replica, canister) for canister in canisters]
        short = installing(replica, other, 1)
        update = submit(replica, busy, "burn")
        assert ticks_until(update, replica) == 10
        assert calls[0].done
        assert not short.done
        assert len(replica.node.scheduler.long.all) == 1
        # The next one has its first slice in the round in which the one before it ends.
        assert [ticks_until(call, replica) for call in calls[1:]] == [9, 9]
        ticks_until(short, replica)
    assert all(replica.canister(canister).installed for canister in canisters)


def test_calls_of_a_canister_keep_their_order(replica):
    """A call that a canister makes waits behind one that waits; calls of others pass by."""
    first, second, other = create(replica), create(replica), create(replica)
    queue = replica.node.state.management_queue
    with replica.held():
        installing(replica, first)
        replica.tick()
        for number, (caller, method, concerned) in enumerate(
            [
                (other, "stop_canister", first),
                (other, "start_canister", second),
                (second, "start_canister", second),
            ]
        ):
            queue.append(
                Request(
                    origin=FromCanister(caller.raw, number),
                    caller=caller.raw,
                    callee=MANAGEMENT.raw,
                    method=method,
                    arg=encoded(method, {"canister_id": concerned}),
                )
            )
        replica.tick()
        assert [(one.caller, one.method) for one in queue] == [
            (ALICE.raw, "install_code"),
            (other.raw, "stop_canister"),
            (other.raw, "start_canister"),
        ]
        replica.tick(10)
        assert not queue


def test_fifty_at_once(replica):
    """Fifty callers get their answers, each after those before it."""
    canisters = [create(replica) for _ in range(50)]
    calls = [installing(replica, canister, 2_000_000) for canister in canisters]
    callers = [threading.Thread(target=call) for call in calls]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(300)
        assert not caller.is_alive()
    assert all(replica.canister(canister).installed for canister in canisters)


@pytest.mark.parametrize("rounds", [(0, 0), (1, 869_000), (869_000, TEN), (2_000_000, 2_000_000)], ids=str)
@pytest.mark.parametrize("module", [GOOD, TRAPPING], ids=["good", "trapping"])
@pytest.mark.parametrize("mode", ["reinstall", "upgrade"])
def test_nothing_differs_but_the_rounds(mode, module, rounds):
    """Answers, fees, logs, memories and history are those of an installation that is not sliced."""
    found = []
    for options in ({}, {"slice_instructions": 2_000_000_000}):
        with sliced(**options) as replica:
            canister = create(replica)
            replica.hold()
            ticks_until(installing(replica, canister, 0), replica)
            ticks_until(submit(replica, canister, "leaving", rounds[0]), replica)
            submitted = installing(replica, canister, rounds[1], mode=mode, module=module)
            ticks_until(submitted, replica)
            try:
                answer = submitted()
            except RejectError as error:
                answer = (error.error_code, str(error))
            record = replica.canister(canister)
            found.append(
                (
                    answer,
                    record.cycles,
                    record.version,
                    record.memory_used,
                    record.certified_data,
                    record.global_timer_ns,
                    [(entry.index, entry.content) for entry in record.logs],
                    [(entry.kind, entry.version) for entry in record.history],
                    replica.stable_memory(canister),
                    seen(replica, canister)[3],
                    replica.node.state.consumed_cycles,
                )
            )
    assert found[0] == found[1]


def test_runs_share_the_instructions_of_one_message(replica):
    """What pre_upgrade has executed is missing in post_upgrade: all of an installation has one limit."""
    canister = installed(replica)
    leaving(replica, canister, TEN)
    engine = replica.node.instances.engine
    with observed(engine.observers) as messages:
        installing(replica, canister, mode="upgrade")()
    left, begun = messages
    assert (left.method, begun.method) == ("canister_pre_upgrade", "canister_post_upgrade")
    assert left.limit == 300_000_000_000
    changed_pages = 1_000 * 1
    assert begun.limit == left.limit - left.instructions - changed_pages


def test_the_module_comes_in_chunks(replica):
    """The chunks may be gone when the installation ends."""
    canister, store = create(replica), create(replica)
    admin = management(replica)
    digest = admin.update("upload_chunk", {"canister_id": store, "chunk": GOOD})["hash"]
    with replica.held():
        call = managed(
            replica,
            "install_chunked_code",
            {
                "mode": {"install": None},
                "target_canister": canister,
                "store_canister": store,
                "chunk_hashes_list": [{"hash": digest}],
                "wasm_module_hash": digest,
                "arg": rounds_arg(TEN),
            },
        )
        replica.tick()
        cleared = managed(replica, "clear_chunk_store", {"canister_id": store})
        replica.tick()
        cleared()
        assert ticks_until(call, replica) == 8
    call()


@pytest.mark.parametrize(
    ("left", "enough"), [(0, False), (10**9, False), (300_005_000_000 + 10**8, True)], ids=str
)
def test_what_others_took_meanwhile(replica, left, enough):
    """The prepayment need not be there any more, but memory is paid as ever; no balance ends below zero."""
    canister = create(replica)
    settings = {"canister_id": canister, "settings": {"freezing_threshold": 0}}
    management(replica).update("update_settings", settings)
    record, state = replica.canister(canister), replica.node.state
    with replica.held():
        call = installing(replica, canister)
        replica.tick(3)
        record.cycles = left
        before = state.consumed_cycles
        ticks_until(call, replica)
    if enough:
        call()
    else:
        with pytest.raises(RejectError, match="IC0532"):
            call()
    assert record.installed is enough
    assert (record.cycles == 0) is (left == 0)
    assert record.cycles + state.consumed_cycles - before == left


def test_snapshot_in_the_middle(replica):
    """A snapshot has the state before the installation, and how many slices it had."""
    canister = installed(replica)
    leaving(replica, canister, TEN)
    with replica.held():
        call = installing(replica, canister, mode="upgrade")
        replica.tick(12)
        taken, before = replica.snapshot(), replica.state_hash()
        assert ticks_until(call, replica) == 7
        after = replica.state_hash()
        for _ in range(2):
            replica.restore(taken)
            assert replica.state_hash() == before
            replica.tick(6)
            assert seen(replica, canister)[0] == 0
            replica.tick()
            assert seen(replica, canister)[0] == 1
            assert replica.state_hash() == after


def test_close_in_the_middle(folder):
    """The replica stops at once; the installation runs again from its start when the folder is opened."""
    wire_identity = Ed25519Identity.from_seed(b"a" * 32)
    with sliced(state_dir=folder) as replica:
        canister = create(replica, sender=wire_identity.principal)
        request = signed(replica, wire_identity, canister)
        replica.tick(3)
        assert len(replica.node.scheduler.long.all) == 1
    with sliced(state_dir=folder) as replica:
        assert not replica.canister(canister).installed
        ticks = 0
        while replica.node.state.requests[request].answer is None:
            replica.tick()
            ticks += 1
        assert ticks == 10
        assert replica.canister(canister).installed


def signed(replica, identity, canister):
    """Submit a signed installation and leave; returns its request id. Calls without envelope end with their process."""
    argument = {
        "mode": {"install": None},
        "canister_id": canister,
        "wasm_module": GOOD,
        "arg": rounds_arg(TEN),
    }
    replica.hold()
    wire = Wire(replica, identity)
    envelope = wire.seal_call(MANAGEMENT, "install_code", encoded("install_code", argument))
    assert wire.post(f"/api/v2/canister/{canister}/call", envelope.to_cbor()).status == 202
    return envelope.request_id


def test_the_queue_is_written_once(folder):
    """Modules that wait for many rounds are not written to the journal in each of them."""
    identity = Ed25519Identity.from_seed(b"a" * 32)
    with sliced(state_dir=folder) as replica:
        canister = create(replica, sender=identity.principal)
        signed(replica, identity, canister)
        replica.tick(2)
        before = journal_bytes(folder)
        replica.tick(5)
        assert journal_bytes(folder) - before < len(GOOD)


def journal_bytes(folder):
    """The bytes of the journal, which has one file."""
    (path,) = folder.glob("journal*")
    return path.stat().st_size


def test_close_while_it_runs():
    replica = sliced()
    canister = create(replica)
    caller = threading.Thread(target=_wait, args=(installing(replica, canister, 2**32 - 1),))
    caller.start()
    while not replica.node.scheduler.long.all:
        threading.Event().wait(0.001)
    replica.close()
    caller.join(60)
    assert not caller.is_alive()


def _wait(call):
    try:
        call()
    except HarnessError:
        return


def test_in_one_round(replica):
    """Installations that are gathered run in one round whatever they need, behind what was under way."""
    canisters = [create(replica) for _ in range(3)]
    replica.hold()
    under_way = installing(replica, canisters[0])
    replica.tick()
    before = replica.node.state.round
    arguments = [
        {"mode": {"install": None}, "canister_id": one, "wasm_module": GOOD} for one in canisters[1:]
    ]
    replica.in_one_round(
        [
            lambda argument=argument: replica.execute_update(
                ALICE,
                MANAGEMENT,
                "install_code",
                encoded("install_code", {**argument, "arg": rounds_arg(TEN)}),
            )
            for argument in arguments
        ]
    )
    assert under_way.done
    assert replica.node.state.round == before + 1
    assert all(replica.canister(canister).installed for canister in canisters)


@pytest.mark.parametrize("what", ["message", "installation"])
def test_a_caller_that_leaves(replica, what):
    """A call whose caller was interrupted is refused in the next round, and what it ran is stopped."""
    canister = installed(replica)
    with replica.held():
        if what == "message":
            call = submit(replica, canister, "burn", 2**32 - 1)
        else:
            call = installing(replica, canister, 2**32 - 1, mode="reinstall")
        replica.tick(3)
        (execution,) = replica.node.scheduler.long.all.values()
        interruption = replica.node.instances.interruption
        interruption.abandoned.add(execution.message.origin)
        interruption.interrupt()
        replica.tick()
        assert call.done
        assert replica.node.scheduler.long.all == {}
        with pytest.raises(RejectError, match="interrupted"):
            call()
        status = managed(replica, "canister_status", {"canister_id": canister})
        replica.tick()
        status()
    assert seen(replica, canister)[3] == 1


def test_an_interrupt_changes_nothing(replica):
    """Wasm that is interrupted runs again, up to the slices that it had."""
    canister = installed(replica)
    leaving(replica, canister, TEN)
    with replica.held():
        call = installing(replica, canister, mode="upgrade")
        for _ in range(18):
            replica.tick()
            assert not call.done
            replica.node.instances.interruption.interrupt()
        replica.tick()
        assert call.done
    assert seen(replica, canister)[:2] == (1, 1)
