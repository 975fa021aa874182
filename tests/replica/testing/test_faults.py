"""Faults on order, and the latency model."""

from __future__ import annotations

import http.client
import threading
from typing import Any

import pytest

from ic_harness import candid
from ic_harness.errors import ReplicaError, TransportError
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, serve
from ic_harness.replica.state import clock
from ic_harness.replica.state.latency_profile import MAINNET, Latency
from ic_harness.replica.testing.faults import Fault, FaultKind
from ic_harness.replica.testing.latency import Blocks, LatencyModel
from tests.replica.server.test_server import ask as ask_http
from tests.replica.support import Wire, deploy, did


def add(wire, rust):
    return wire.call(
        rust.id, "add", candid.encode((1,), did("rust/rust").methods["add"].arg_types), nonce=bytes(8)
    )


def test_a_lost_request_never_runs(replica, wire, rust):
    """A dropped request is a transport error and leaves no trace."""
    replica.faults.order(Fault(kind=FaultKind.DROP_REQUEST))
    with pytest.raises(TransportError):
        add(wire, rust)
    assert rust.query("get") == 7


def test_a_lost_answer_ran(replica, wire, rust):
    """A dropped answer is a transport error, but the call took place; the repetition runs nothing."""
    replica.faults.order(Fault(kind=FaultKind.DROP_REPLY))
    with pytest.raises(TransportError):
        add(wire, rust)
    _, answer = add(wire, rust)
    assert (answer.status, rust.query("get")) == (200, 8)


def test_a_duplicate_runs_once(replica, wire, rust):
    """A request that arrives twice is executed once."""
    replica.faults.order(Fault(kind=FaultKind.DUPLICATE))
    add(wire, rust)
    assert rust.query("get") == 8


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.TOO_MANY_REQUESTS, 429), (FaultKind.UNAVAILABLE, 503)]
)
def test_statuses_on_order(replica, wire, rust, kind, status):
    """The network may be busy or away for a while."""
    replica.faults.order(Fault(kind=kind, times=2))
    assert [add(wire, rust)[1].status for _ in range(3)] == [status, status, 200]


def test_faults_count_and_choose(replica, wire, rust):
    """A fault waits for its turn and for the method and endpoint that it is about."""
    replica.faults.order(Fault(kind=FaultKind.UNAVAILABLE, method="add", after=1))
    assert wire.query(rust.id, "get")[1].status == 200
    assert wire.call(rust.id, "get")[1].status == 200
    assert [add(wire, rust)[1].status for _ in range(3)] == [200, 503, 200]
    assert [fault.kind for fault in replica.faults.done] == [FaultKind.UNAVAILABLE]
    assert replica.faults.left == []


def test_delays_take_their_time(replica, wire, rust, monkeypatch):
    """A delayed request waits before, a delayed answer after the execution."""
    waited = []
    monkeypatch.setattr(clock, "pause", lambda seconds: waited.append((seconds, rust.query("get"))))
    replica.faults.order(Fault(kind=FaultKind.DELAY_REQUEST, seconds=3))
    replica.faults.order(Fault(kind=FaultKind.DELAY_REPLY, seconds=4))
    add(wire, rust)
    wire.call(rust.id, "add", candid.encode((1,), did("rust/rust").methods["add"].arg_types))
    assert waited == [(3, 7), (4, 9)]


def test_a_request_is_overtaken(replica, wire, rust):
    """A request that is to be reordered lets the next one go first."""
    replica.faults.order(Fault(kind=FaultKind.REORDER, method="add"))
    thread = threading.Thread(target=add, args=(wire, rust))
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(rust.query("get"))
        wire.call(rust.id, "get")
    assert rust.query("get") == 8
    assert seen[0] == 7


def test_a_restart_between_requests(tmp_path):
    """With a state folder a restart reads everything from disk and the call goes through."""
    with Replica(ReplicaConfig(state_dir=tmp_path / "s", clock=ManualClock())) as replica:
        rust = deploy(replica, "rust/rust", 7)
        rust.update("add", 1)
        node = replica.node
        replica.faults.order(Fault(kind=FaultKind.RESTART))
        wire = Wire(replica, Ed25519Identity.from_seed(b"r" * 32))
        assert add(wire, rust)[1].status == 200
        assert replica.node is not node
        assert rust.query("get") == 9


def test_senseless_orders_are_refused():
    """A fault happens at least once and takes no negative time."""
    cases: list[dict[str, Any]] = [{"times": 0}, {"after": -1}, {"seconds": -1}]
    for wrong in cases:
        with pytest.raises(ReplicaError):
            Fault(kind=FaultKind.DROP_REPLY, **wrong)


def test_a_lost_answer_cuts_the_connection(replica):
    """Over HTTP a lost answer is a connection that breaks off."""
    server = serve(replica)
    try:
        replica.faults.order(Fault(kind=FaultKind.DROP_REPLY, endpoint="status"))
        with pytest.raises(http.client.HTTPException):
            ask_http(server, "GET", "/api/v2/status")
        assert ask_http(server, "GET", "/api/v2/status")[0].status == 200
    finally:
        server.stop()


# --- latency -----------------------------------------------------------------------------------------------


def test_blocks_fill_up():
    """Calls go into the next block with room for them, in order."""
    blocks = Blocks(Latency(block_interval_s=1, block_bytes=10))
    assert [blocks.proposal(0.5, size) for size in (4, 4, 4, 20, 1)] == [1, 1, 2, 3, 4]
    assert blocks.proposal(9.5, 1) == 10


def test_without_blocks_nothing_waits():
    """A model without a block rate takes calls at once."""
    assert Blocks(Latency()).proposal(3.25, 100) == 3.25


def test_a_call_takes_as_long_as_the_model_says(replica, wire, rust, monkeypatch):
    """A call waits for its way, its block and its certificate; a query for its way."""
    now = [100.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now[0])
    monkeypatch.setattr(clock, "pause", lambda seconds: now.__setitem__(0, now[0] + max(0, seconds)))
    replica.latency = LatencyModel(MAINNET)
    add(wire, rust)
    took = now[0] - 100
    assert 2 * 0.2 + 1.35 <= took <= 2 * 0.2 + 0.9 + 1.35
    before = now[0]
    wire.query(rust.id, "get")
    assert now[0] - before == pytest.approx(0.4)


def test_models_are_checked():
    """Negative figures and blocks without room are refused."""
    for wrong in ({"one_way_s": -1}, {"block_bytes": 0}):
        with pytest.raises(ReplicaError):
            Latency(**wrong)
