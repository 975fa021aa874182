"""The owner of the state: answers only after publication, fair waits, stops, restless canisters."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ic_harness import processors
from ic_harness.errors import RejectError, ReplicaError
from ic_harness.protocol import Ed25519Identity, cbor, lookup_value
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, SystemClock
from ic_harness.replica.execution import SharedProcessor, effects
from ic_harness.replica.rounds.pacing import Pacing
from ic_harness.replica.state.replicated_state import Request
from tests.replica.restless import CHAIN, HEARTBEAT, TIMER, endless, restless
from tests.replica.support import BOB, Wire, deploy, management

START = 1_700_000_000_000_000_000
NOTHING = b"DIDL\0\0"
SECOND = 10**9


@pytest.fixture
def ticking():
    """A replica whose time goes on by itself, with rounds in the background."""
    with Replica(ReplicaConfig(seed=b"test", clock=SystemClock())) as running:
        yield running


def while_publishing(replica, action):
    """Run `action` in a thread at the moment when a round is executed and not yet published; gives its future."""
    runner, pool = replica.node.runner, ThreadPoolExecutor(1)
    publish = runner._publish
    started: list[Future] = []

    def publish_late(changes):
        if changes.requests and not started:
            asking = threading.Event()
            started.append(pool.submit(action, asking))
            assert asking.wait(60)
        publish(changes)

    runner._publish = publish_late
    return started


def test_no_answer_before_publication(replica, rust):
    """A second request for a call that is executed but not published waits for the certificate that holds it."""
    wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
    envelope = wire.seal_call(rust.id, "facts_update", NOTHING)
    path, body = f"/api/v3/canister/{rust.id}/call", envelope.to_cbor()
    seen = []

    def ask_again(asking):
        record = replica.node.state.requests[envelope.request_id]
        seen.append(record.answer is not None)
        asking.set()
        return wire.post(path, body)

    started = while_publishing(replica, ask_again)
    first = wire.post(path, body)
    second = started[0].result()
    assert seen == [True], "the call was executed when the second request came"
    for response in (first, second):
        certificate = cbor.decode(response.body)["certificate"]
        assert wire.certified_fields(certificate, envelope.request_id)["status"] == b"replied"


def test_a_read_waits_for_publication(replica, rust):
    """A query that meets a canister ahead of its certificate runs after the round, and gets the right one."""
    answers = []

    def look(asking):
        asking.set()
        answers.append(rust.query("certificate"))

    rust.update("certify", b"old")
    started = while_publishing(replica, look)
    wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
    wire.verdict(rust.id, "certify", b"DIDL\1\x6d\x7b\1\0\3new")
    started[0].result()
    tree = wire.verified(answers[0]).tree
    assert lookup_value(tree, (b"canister", rust.id.raw, b"certified_data")) == b"new"


@pytest.mark.parametrize("kind", [HEARTBEAT, TIMER, CHAIN], ids=["heartbeat", "timer", "chain"])
def test_restless_canisters_leave_room(ticking, kind):
    """Beside a canister that never rests, snapshots, restores and calls come through."""
    canister, other = restless(ticking, kind), deploy(ticking, "rust/rust", 0)
    for value in range(1, 4):
        with ThreadPoolExecutor(1) as pool:
            snapshot = pool.submit(ticking.snapshot).result(60)
            assert other.update("add", 1) == value
            if value == 2:
                pool.submit(ticking.restore, snapshot).result(60)
                assert other.update("add", 1) == value
            snapshot.close()
    ticking.execute_query(BOB, canister, "beats", b"")


def test_heartbeats_run_with_calls_and_once_an_interval(room):
    """A heartbeat runs in each round that a call brings about and once an interval, not in those of canisters."""
    clock = ManualClock(START)
    with Replica(ReplicaConfig(clock=clock)) as replica:
        canister, other = restless(replica, HEARTBEAT), deploy(replica, "rust/rust", 0)
        wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))

        def beats():
            return int.from_bytes(replica.execute_query(BOB, canister, "beats", b""), "little")

        before = beats()
        other.update("add", 1)
        assert beats() == before + 1
        room(1)
        for _ in range(5):  # rounds for what the heartbeat itself has called
            replica.node.runner.settle(1)
            assert beats() == before + 1
        for seconds in range(1, 4):
            replica.advance_time(SECOND)
            wire.tree(canister, [b"time"])  # a round that nothing but the time brings about
            assert beats() == before + 1 + seconds


def test_unattended_rounds_rest(monkeypatch, ticking):
    """A canister that arms a due timer for ever runs a few rounds at once, then pauses between them."""
    pauses, runner = [], ticking.node.runner
    real, enough = runner._pause_s, threading.Event()

    def watch():
        pauses.append(real())
        if len([pause for pause in pauses if pause]) >= 3:
            enough.set()
        return pauses[-1]

    monkeypatch.setattr(runner, "_pause_s", watch)
    restless(ticking, TIMER)
    assert enough.wait(60)


def test_every_waiter_is_answered_within_two_rounds(ticking):
    """Fifty callers beside three restless canisters: each call is answered at most two rounds after it came."""
    for kind in (HEARTBEAT, TIMER, CHAIN):
        restless(ticking, kind)
    canisters = [deploy(ticking, "rust/rust", 0) for _ in range(3)]
    runner, state = ticking.node.runner, ticking.node.state
    came: dict[str, int] = {}
    took: list[int] = []
    accept, complete = runner._accept, runner._completions.complete

    def accepting(incoming, completion, **options):
        came[completion.origin] = state.round
        accept(incoming, completion, **options)

    def completing(changes):
        complete(changes)
        took.extend(state.round - came.pop(origin) for origin in _origins(changes) if origin in came)

    runner._accept, runner._completions.complete = accepting, completing
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda n: canisters[n % 3].update("add", 1), range(200)))
    assert len(took) == 200
    assert max(took) <= 2


def _origins(changes):
    from ic_harness.replica.state.replicated_state import FromPythonApi

    return [FromPythonApi(ticket) for ticket in changes.answers]


def test_a_reader_is_fresh_beside_a_busy_canister(ticking):
    """read_state is answered beside a canister that always has work."""
    canister = restless(ticking, CHAIN)
    wire = Wire(ticking, Ed25519Identity.from_seed(b"a" * 32))
    for _ in range(5):
        tree = wire.tree(canister, [b"time"])
        assert tree is not None


@pytest.mark.parametrize("method", ["spin", "write"])
def test_closing_ends_a_loop(method):
    """A replica closes while a canister loops: the message is rolled back, its caller is told."""
    replica = Replica(ReplicaConfig(clock=ManualClock(START)))
    canister = endless(replica)
    with ThreadPoolExecutor(1) as pool:
        running = begin(replica, canister, method, pool)
        replica.close()
        with pytest.raises(ReplicaError, match="closed"):
            running.result(60)


def begin(replica, canister, method, pool, call=None):
    """Start a call that never ends, by the Python API or by `call`, and return when its Wasm runs."""
    entered = threading.Event()
    instance = replica.node.instances.instance(replica.canister(canister))
    execute = instance._execute

    def entering(*arguments):
        entered.set()
        return execute(*arguments)

    instance._execute = entering
    running = pool.submit(call or (lambda: replica.execute_update(BOB, canister, method, b"")))
    assert entered.wait(60)
    return running


def test_a_restore_ends_a_loop(replica):
    """A restore does not wait for a canister that loops; its caller is told, and the network goes on."""
    canister = endless(replica)
    snapshot = replica.snapshot()
    with ThreadPoolExecutor(1) as pool:
        running = begin(replica, canister, "spin", pool)
        replica.restore(snapshot)
        with pytest.raises(ReplicaError, match="put back"):
            running.result(60)
    assert replica.execute_update(BOB, canister, "count", b"") == b"\1"


def test_a_loop_survives_a_restart_of_its_replica(tmp_path):
    """A user's message that was interrupted by the end of its replica is still in its queue afterwards."""
    config = ReplicaConfig(clock=ManualClock(START), state_dir=tmp_path)
    replica = Replica(config)
    canister = endless(replica)
    wire = Wire(replica, Ed25519Identity.from_seed(b"u" * 32))
    with ThreadPoolExecutor(1) as pool:
        begin(replica, canister, "spin", pool, lambda: wire.call(canister, "spin"))
        replica.close()
    with Replica(config) as again:
        (message,) = again.canister(canister).queue
        assert isinstance(message, Request)
        assert message.method == "spin"


def test_queries_beside_an_interrupt_run_again(replica, rust):
    """A query that an interrupt meant for others stops is simply run again."""
    interruption = replica.node.instances.interruption
    instance = replica.node.instances.instance(replica.canister(rust.id))
    execute = instance._execute
    times: list = []

    def interrupted_once(*arguments):
        if not times:
            times.append(interruption.interrupt())
        return execute(*arguments)

    instance._execute = interrupted_once
    assert rust.query("get") == 7
    assert len(times) == 1


def test_a_failure_inside_a_message_costs_that_message(replica, rust, other, monkeypatch):
    """An exception that the replica did not expect rejects one message by name, and everything goes on."""
    real = effects.apply

    def failing(canister, *arguments):
        if canister.id == rust.id.raw:
            raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")
        real(canister, *arguments)

    monkeypatch.setattr(effects, "apply", failing)
    with pytest.raises(RejectError, match="ValueError: Exceeds the limit") as caught:
        rust.update("add", 1)
    assert caught.value.error_code == "IC0599"
    assert other.update("add", 1) == 101
    reply = other.update("forward", rust.id, "add", b"DIDL\0\1\x78" + bytes([1, *[0] * 7]), 0, None)
    assert "bug of ic-harness" in reply["Err"]["message"]
    monkeypatch.undo()
    assert replica.canister(rust.id).contexts == {}
    assert rust.update("add", 1) >= 8


def test_a_failure_in_management_costs_that_call(replica, rust, monkeypatch):
    """The same holds for the management canister."""
    from ic_harness.replica.management import dispatch

    def failing(*_):
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(dispatch, "_check_permission", failing)
    with pytest.raises(RejectError, match="RecursionError"):
        management(replica).update("stop_canister", {"canister_id": rust.id})
    monkeypatch.undo()
    assert rust.update("add", 1) == 8


def test_a_replica_that_stopped_says_so(replica, rust, monkeypatch):
    """When a round cannot be published every caller is told, and the status is not healthy any more."""

    def failing(_):
        raise OSError(28, "No space left on device")

    wire = Wire(replica, Ed25519Identity.from_seed(b"a" * 32))
    assert status(wire) == "healthy"
    monkeypatch.setattr(replica.node.runner, "_publish", failing)
    with pytest.raises(ReplicaError, match="No space left"):
        rust.update("add", 1)
    assert isinstance(replica.failure, OSError)
    assert status(wire) != "healthy"
    with pytest.raises(ReplicaError, match="No space left"):
        rust.update("add", 1)


def status(wire):
    from ic_harness.replica import HttpRequest

    answer = wire.replica.handle(HttpRequest(method="GET", path="/api/v2/status", headers={}, body=b""))
    return cbor.decode(answer.body)["replica_health_status"]


def test_calls_of_one_round_are_in_one_round(replica, monkeypatch):
    """`in_one_round` executes all calls in one round, however many instructions they need."""
    from ic_harness.replica.rounds import scheduler

    monkeypatch.setattr(scheduler, "TURN_INSTRUCTIONS", 1)
    monkeypatch.setattr(scheduler, "ROUND_INSTRUCTIONS", 1)
    rust = deploy(replica, "rust/rust", 0)
    start, _ = replica.figures()
    answers = replica.in_one_round([lambda: rust.update("add", 1)] * 5)
    assert sorted(answers) == [1, 2, 3, 4, 5]
    _, figures = replica.figures(start)
    assert len({figure.round for figure in figures if figure.what == "add"}) == 1


def test_all_hops_of_a_call_are_in_one_round(replica, rust, other):
    """A call to another canister, its reply and the callback happen in the round that inducted the call."""
    with replica.held():
        finish = rust.submit("forward", other.id, "get", NOTHING, 0, None)
        replica.tick()
        assert "Ok" in finish()


def test_a_network_that_nobody_closed_leaves_no_thread():
    """A replica that is forgotten without `close` ends its thread."""
    import gc
    import weakref

    replica = Replica(ReplicaConfig(clock=ManualClock(START)))
    deploy(replica, "rust/rust", 0)
    thread, gone = replica.node.runner._thread, weakref.ref(replica)
    assert thread is not None
    del replica
    for _ in range(
        600
    ):  # the thread may hold its driver for a moment, which is then garbage of the next collection
        gc.collect()
        thread.join(0.1)
        if not thread.is_alive():
            break
    assert gone() is None
    assert not thread.is_alive()


def test_many_heartbeats_take_turns(monkeypatch):
    """Hundreds of canisters with heartbeats take turns where one round could not have them all; a few never do."""
    now = [0.0]
    monkeypatch.setattr("ic_harness.replica.rounds.pacing.monotonic_s", lambda: now[0])

    def turns(duration_s, heartbeats):
        pacing.begins()
        now[0] += duration_s
        pacing.ended(heartbeats)
        return pacing.turns(heartbeats)

    pacing = Pacing()
    assert pacing.turns(1000) == 1, "nothing was measured yet"
    assert turns(60.0, 5) == 1, "calls may have taken the time"
    assert turns(0.59, 1000) == 20
    assert turns(0.001, 1000) == 1


def test_a_turn_has_all_in_time_and_the_called_at_once():
    """With one heartbeat in ten a round, every canister has one soon, and one that is called or changed at once."""
    with Replica(ReplicaConfig(clock=ManualClock(START))) as replica:
        canisters = [restless(replica, HEARTBEAT).raw for _ in range(12)]
        scheduler = replica.node.scheduler

        def beating():
            replica.node.runner.tick(heartbeats=10)
            return set(scheduler._beating)

        assert set().union(*(beating() for _ in range(120))) == set(canisters)
        quiet = next(canister for _ in range(20) for canister in canisters if canister not in beating())
        scheduler.stirred.add(quiet)
        assert quiet in beating()


def test_one_call_that_several_threads_wait_for(replica, rust):
    """Each of them gets the reply, whichever begins to wait first."""
    replica.hold()
    pending = replica.submit_update(BOB, rust.id, "facts_update", NOTHING)
    begun = threading.Barrier(5)

    def wait():
        begun.wait(60)
        return pending(60)

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(wait) for _ in range(4)]
        begun.wait(60)
        replica.release()
        assert len({future.result(60) for future in waiting}) == 1
    assert pending() == waiting[0].result()


def test_who_waits_behind_another_gives_up_in_time(replica, rust):
    """A timeout counts from the call, also while another thread waits for the same reply."""
    replica.hold()
    pending = replica.submit_update(BOB, rust.id, "facts_update", NOTHING)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(pending, 60)
        with pytest.raises(ReplicaError, match=r"no answer from facts_update within 0\.05 s"):
            pending(0.05)
        replica.release()
        assert other.result(60) == pending()


def test_a_quick_command_leaves_no_reason_to_pause(replica, monkeypatch):
    """The owner may have executed an urgent command before its caller asks the running round to give way."""
    runner, snapshot = replica.node.runner, replica.snapshot()
    post = runner.post

    def post_and_let_run(command):
        post(command)
        while runner._commands or not runner._bell.asleep:
            processors.give_way()

    monkeypatch.setattr(runner, "post", post_and_let_run)
    replica.restore(snapshot)
    assert not runner._interruption.pausing, "the next round would end before its first message"


def test_an_interrupt_after_a_command_leaves_no_reason_to_pause(replica, monkeypatch):
    """Its caller leaves when it was executed, and before it is told so."""
    runner = replica.node.runner
    executed, ending, interrupted = threading.Event(), threading.Event(), threading.Event()

    def let_go():
        if executed.is_set():
            ending.set()
            interrupted.wait(60)
        original()

    def interrupt(*_):
        assert ending.wait(60)
        raise KeyboardInterrupt

    original = runner._completions.let_go
    monkeypatch.setattr(runner._completions, "let_go", let_go)
    monkeypatch.setattr(SharedProcessor, "yield_until", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.call(executed.set)
    assert not runner._interruption.pausing
    interrupted.set()


def test_an_interrupt_while_the_caller_yields_ends_the_round(replica, monkeypatch):
    """As one does while it sleeps: what runs for a caller that left gives way."""
    runner, begun = replica.node.runner, threading.Event()
    ends = time.monotonic() + 60

    def run():
        begun.set()
        while not runner._interruption.pausing:
            assert time.monotonic() < ends
            processors.give_way()

    def interrupt(*_):
        assert begun.wait(60)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SharedProcessor, "yield_until", interrupt)
        with pytest.raises(KeyboardInterrupt):
            runner.call(run)
    assert runner.call(time.monotonic) < ends
    assert not runner._interruption.pausing


def test_a_command_whose_caller_left_before_it_began_is_not_executed(replica, monkeypatch):
    """Not even when the interrupt came while the caller yielded: a hold that follows its release would never end."""
    runner, ran, over = replica.node.runner, [], threading.Event()

    def interrupt(*_):
        raise KeyboardInterrupt

    runner.post(lambda: over.wait(60))
    with monkeypatch.context() as patch:
        patch.setattr(SharedProcessor, "yield_until", interrupt)
        with pytest.raises(KeyboardInterrupt):
            runner.call(lambda: ran.append(1))
    over.set()
    assert runner.call(list) == ran == []


def test_rounds_are_released_after_a_hold_that_runs(replica):
    """Whose caller was interrupted, and releases what may not be held yet."""
    runner, released = replica.node.runner, threading.Event()

    def hold_late():
        assert released.wait(60)
        runner.set_held(held=True)

    runner.post(hold_late)
    runner.release()
    released.set()
    assert runner.call(lambda: runner.is_held) is False
