"""Rounds, threads, time, determinism, snapshots of the whole network."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_harness.errors import ReplicaError
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, SystemClock
from ic_harness.replica.rounds.scheduler import BEGINNING, END, PASS
from ic_harness.replica.state.config import EXECUTION_THREADS, MESSAGE_OVERHEAD, ROUND_INSTRUCTIONS
from tests.replica.restless import CHAIN, restless
from tests.replica.support import BOB, deploy, deploy_wat, install, management, wasm

START = 1_700_000_000_000_000_000
NOTHING = b"DIDL\0\0"


def busy_network(seed=b"seed"):
    """A network after some calls of every kind."""
    replica = Replica(ReplicaConfig(seed=seed, clock=ManualClock(START)))
    first, second = (deploy(replica, "rust/rust", value) for value in (1, 2))
    with replica.held():
        waiting = [canister.submit("add", value) for value in range(5) for canister in (first, second)]
        replica.tick()
    for finish in waiting:
        finish()
    first.update("forward", second.id, "get", NOTHING, 7, None)
    first.update("random")
    return replica


def test_the_same_calls_give_the_same_state():
    """Two networks with the same seed, clock and calls have the same state hash, also with parallel turns."""
    with busy_network() as one, busy_network() as two, busy_network(b"other") as three:
        assert one.state_hash() == two.state_hash() != three.state_hash()


def test_the_state_hash_tells_states_apart(replica, rust):
    """An update changes the hash, a query does not."""
    before = replica.state_hash()
    rust.query("get")
    assert replica.state_hash() == before
    rust.update("add", 1)
    assert replica.state_hash() != before


def test_steps_of_a_round():
    """The order of a round is tables that can be read; the middle one is repeated until no message is left."""
    assert [[step.name for step in steps] for steps in (BEGINNING, PASS, END)] == [
        ["charge", "expire", "induct"],
        ["outcalls", "manage", "execute", "stop", "route"],
        ["send", "forget"],
    ]


def test_time_is_monotone(replica, rust):
    """Each round is later than the one before, also when the clock stands still."""
    times = []
    for _ in range(3):
        replica.tick()
        times.append(replica.node.state.time_ns)
    assert times == sorted(set(times))


def test_time_goes_forward_only(replica):
    """Setting a time before the last round is refused."""
    replica.set_time(START + 10**18)
    replica.tick()
    assert replica.node.state.time_ns == START + 10**18
    with pytest.raises(ReplicaError, match="forward only"):
        replica.set_time(START)


def test_waiting_for_nothing_is_an_error(replica):
    """A call that only time could answer does not hang when the clock stands still."""
    canister = deploy(replica, "rust/rust", 1)
    with replica.held(), pytest.raises(ReplicaError, match="held"):
        canister.update("add", 1)


def test_many_threads_at_once(replica, rust, other):
    """Callers in many threads all get their answers, and nothing is lost."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: (rust if n % 2 else other).update("add", 1), range(200)))
        counts = list(pool.map(lambda n: (rust if n % 2 else other).query("get"), range(20)))
    assert (rust.query("get"), other.query("get")) == (107, 200)
    assert len(counts) == 20


def test_a_closed_replica_says_so():
    """After close every call is refused; closing twice does no harm."""
    replica = Replica()
    replica.close()
    replica.close()
    with pytest.raises(ReplicaError, match="closed"):
        replica.execute_update(BOB, b"", "raw_rand", b"")


def test_timers_fire_by_themselves():
    """With a real clock a thread of the replica's own fires timers that nobody waits for."""
    with Replica(ReplicaConfig(clock=SystemClock())) as replica:
        done = threading.Event()
        publish = replica.node.runner._publish
        canister = deploy_wat(
            replica,
            """(func (export "canister_update arm") (call $wake_after (i64.const 9)) (call $reply))
               (func (export "canister_global_timer") (call $print (i32.const 0) (i32.const 0)))""",
        )

        def watched(changes):
            publish(changes)
            if replica.logs(canister):
                done.set()

        replica.node.runner._publish = watched
        replica.execute_update(BOB, canister, "arm", b"")
        assert done.wait(60)


def test_a_snapshot_brings_everything_back(replica, rust):
    """Restoring undoes calls, installations, new canisters and time, as often as wanted."""
    rust.update("put", "k", b"old")
    snapshot, before = replica.snapshot(), replica.state_hash()
    for value in (1, 2):
        rust.update("add", value)
        rust.update("put", "k", b"new")
        extra = deploy(replica, "rust/rust", 3)
        install(replica, rust.id, wasm("motoko/counter"), b"DIDL\0\1\x7d\1", mode="reinstall")
        replica.advance_time(10**9)
        replica.restore(snapshot)
        assert replica.state_hash() == before
        assert rust.query("fetch", "k") == b"old"
        with pytest.raises(ReplicaError, match="does not exist"):
            replica.canister(extra.id)
    snapshot.close()
    with pytest.raises(ReplicaError, match="closed"):
        replica.restore(snapshot)


def test_a_snapshot_brings_deleted_canisters_back(replica, rust):
    """A canister that was uninstalled and deleted is there again after a restore."""
    snapshot = replica.snapshot()
    management(replica).update("stop_canister", {"canister_id": rust.id})
    management(replica).update("uninstall_code", {"canister_id": rust.id})
    management(replica).update("delete_canister", {"canister_id": rust.id})
    replica.restore(snapshot)
    assert rust.update("add", 1) == 8


def test_snapshots_nest(replica, rust):
    """An older snapshot can be restored after a newer one, and the newer one again."""
    first = replica.snapshot()
    rust.update("add", 1)
    second = replica.snapshot()
    rust.update("add", 1)
    counts = []
    for snapshot in (first, second, first, second):
        replica.restore(snapshot)
        counts.append(rust.query("get"))
    assert counts == [7, 8, 7, 8]


def test_a_restored_network_is_certified(replica, wire, rust):
    """After a restore certificates show the restored state, and calls go on."""
    snapshot = replica.snapshot()
    management(replica).update("stop_canister", {"canister_id": rust.id})
    management(replica).update("delete_canister", {"canister_id": rust.id})
    replica.restore(snapshot)
    assert wire.verdict(rust.id, "get")["status"] == b"replied"


def test_snapshots_of_others_are_refused(replica):
    """A snapshot belongs to the replica it was taken of."""
    with Replica(ReplicaConfig(clock=ManualClock())) as other, pytest.raises(ReplicaError):
        replica.restore(other.snapshot())


def test_a_round_is_bounded_for_all_canisters_together():
    """Canisters that call themselves without end share what a round may take, so that its changes fit in memory."""
    with Replica(ReplicaConfig(clock=ManualClock(START))) as replica:
        canisters = [restless(replica, CHAIN) for _ in range(8)]
        replica.tick(2)
        before = [beats(replica, canister) for canister in canisters]
        replica.tick()
        more = [beats(replica, canister) - count for canister, count in zip(canisters, before, strict=True)]
    assert max(more) - min(more) <= 1
    messages = 2 * sum(more)  # a request and its answer
    most = EXECUTION_THREADS * ROUND_INSTRUCTIONS / MESSAGE_OVERHEAD
    assert most / 2 <= messages <= most


def beats(replica, canister):
    return int.from_bytes(replica.execute_query(BOB, canister, "beats", b""), "little")
