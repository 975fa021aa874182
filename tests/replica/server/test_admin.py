"""The admin routes: what a test network can do, for programs on the same machine."""

from __future__ import annotations

import base64
import json

import pytest

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, lookup_value
from ic_harness.replica import HttpRequest
from ic_harness.replica.management.call import interface
from ic_harness.replica.server.http_router import HttpRouter
from tests.replica.support import FREE, Wire, did


@pytest.fixture
def ask(replica):
    front = HttpRouter(replica)

    def asking(method, path, body=None, **more):
        raw = b"" if body is None else json.dumps(body).encode()
        path, _, query = path.partition("?")
        request = HttpRequest(method=method, path=f"/_/{path}", body=raw, query=query, **more)
        answer = front.handle(request)
        return json.loads(answer.body) if answer.status == 200 else (answer.status, answer.body.decode())

    return asking


def test_the_status_tells_where_the_network_is(ask, replica, rust):
    """Root key, round, time, canisters, and whether rounds are held."""
    status = ask("GET", "status")
    assert status["root_key"] == replica.root_key.hex()
    assert status["canisters"] == [str(rust.id)]
    assert status["held"] is False


def test_the_topology_is_pocket_ics(ask, replica):
    """Subnets by id with their ranges; the default id is in a range; the seed of the keys is not shown."""
    seen = ask("GET", "topology")
    subnet = replica.node.subnet
    ((name, config),) = seen["subnet_configs"].items()
    assert name == str(subnet.principal)
    assert set(config) == {
        "subnet_kind",
        "cost_schedule",
        "subnet_seed",
        "instruction_config",
        "canister_ranges",
    }
    assert config["subnet_kind"].lower().encode() == subnet_type(replica)
    ranges = [(raw_id(found["start"]), raw_id(found["end"])) for found in config["canister_ranges"]]
    assert tuple(ranges) == subnet.ranges
    assert subnet.hosts(raw_id(seen["default_effective_canister_id"]))
    assert len(config["subnet_seed"]) == 32
    assert bytes(config["subnet_seed"]) != subnet.seed[:32]


def test_canisters_are_created_under_the_default_id(ask, wire):
    """The id of the topology works in the URL of the call that creates a canister."""
    effective = Principal(raw_id(ask("GET", "topology")["default_effective_canister_id"]))
    nothing = {"amount": None, "settings": None, "specified_id": None, "sender_canister_version": None}
    method = "provisional_create_canister_with_cycles"
    arg = candid.encode((nothing,), interface().methods[method].arg_types)
    fields = wire.verdict(Principal.management(), method, arg, effective=effective)
    assert fields["status"] == b"replied"


def raw_id(value):
    return base64.b64decode(value["canister_id"])


def subnet_type(replica):
    subnet = replica.node.subnet
    tree = Wire(replica, Ed25519Identity.from_seed(b"t" * 32)).tree(
        subnet.principal, (b"subnet",), place="subnet"
    )
    return lookup_value(tree, (b"subnet", subnet.id, b"type"))


def test_time_and_rounds(ask, replica):
    """Time is set and advanced, rounds are held, run and released."""
    start = replica.clock.now_ns()
    assert ask("POST", "time", {"set_ns": start + 10**9})["time_ns"] == start + 10**9
    assert ask("POST", "time", {"advance_ns": 5})["time_ns"] == start + 10**9 + 5
    before = replica.node.state.round
    ask("POST", "hold")
    assert ask("GET", "status")["held"] is True
    assert ask("POST", "tick", {"rounds": 3})["round"] == before + 3
    ask("POST", "release")
    assert replica.is_held is False


def test_snapshots(ask, rust):
    """Snapshots have numbers; one that was forgotten is gone."""
    number = ask("POST", "snapshots")["snapshot"]
    before = ask("GET", "state_hash")
    rust.update("add", 1)
    assert ask("GET", "state_hash") != before
    ask("POST", "restore", {"snapshot": number})
    assert ask("GET", "state_hash") == before
    ask("POST", "forget", {"snapshot": number})
    assert ask("POST", "restore", {"snapshot": number})[0] == 400


def test_figures_and_lines_are_streams(ask, rust):
    """Every message has its figures, every printed line is there, and one can come back for more."""
    rust.update("add", 1)
    rust.update("print", "hello")
    figures, lines = ask("GET", "figures"), ask("GET", "lines")
    assert [entry["what"] for entry in figures["entries"]] == ["add", "print"]
    assert all(entry["instructions"] > 0 and not entry["trapped"] for entry in figures["entries"])
    assert not any(entry["query"] for entry in figures["entries"])
    assert [entry["text"] for entry in lines["entries"]] == ["hello"]
    rust.update("add", 1)
    assert len(ask("GET", f"figures?since={figures['next']}")["entries"]) == 1
    assert ask("GET", f"lines?since={lines['next']}")["entries"] == []


@FREE
def test_a_canister_can_be_looked_at(ask, rust):
    """Status, cycles, controllers and log of one canister."""
    found = ask("GET", f"canisters/{rust.id}")
    assert (found["status"], found["cycles"], found["open_calls"]) == ("running", 100_000_000_000_000, 0)
    assert ask("GET", f"canisters/{Principal.management()}")[0] == 409


def test_faults_and_latency_can_be_ordered(ask, replica):
    """Faults and latency models come as JSON; unknown ones are refused."""
    ask("POST", "faults", {"kind": "drop_reply", "method": "add", "times": 2})
    assert [(fault.kind, fault.times) for fault in replica.faults.left] == [("drop_reply", 2)]
    ask("POST", "faults/clear")
    assert replica.faults.left == []
    ask("POST", "latency", {"one_way_s": 0.5})
    assert replica.latency.model.one_way_s == 0.5
    ask("POST", "latency", {"preset": "none"})
    assert replica.latency is None
    assert ask("POST", "faults", {"kind": "explode"})[0] == 400
    assert ask("POST", "latency", {"preset": "moon"})[0] == 400
    assert ask("POST", "latency", {"one_way_s": -1})[0] == 400


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"origin": "http://example.com"}},
        {"headers": {"host": "evil.example:80"}},
        {"client": "192.168.0.7"},
    ],
)
def test_strangers_and_web_pages_are_refused(ask, more):
    """Only programs on the same machine may use the admin routes."""
    assert ask("POST", "tick", **more)[0] == 403


@pytest.mark.parametrize("body", [[1], "text"])
def test_bad_bodies_are_400(ask, replica, body):
    """What is no JSON object is refused."""
    assert ask("POST", "tick", body)[0] == 400
    assert HttpRouter(replica).handle(HttpRequest(method="POST", path="/_/tick", body=b"{")).status == 400


BAD = [
    ("time", '{"set_ns": 1e300}'),
    ("time", '{"set_ns": 1e400}'),
    ("time", '{"advance_ns": -1}'),
    ("time", '{"advance_ns": true}'),
    ("time", '{"set_ns": "5"}'),
    ("time", f'{{"set_ns": {"9" * 5000}}}'),
    ("time", f'{{"set_ns": {1 << 63}}}'),
    ("time", '{"set_ns": NaN}'),
    ("time", "{}"),
    ("time", '{"set_ns": 1, "extra": 2}'),
    ("tick", '{"rounds": 1000000000000}'),
    ("tick", '{"rounds": 1.5}'),
    ("tick", '{"round": 1}'),
    ("tick", "[" * 100_000),
    ("tick", '{"a":' * 100_000),
    ("tick", "\x00"),
    ("hold", '{"why": 1}'),
    ("restore", '{"snapshot": 7}'),
    ("restore", "{}"),
    ("forget", '{"snapshot": [1]}'),
    ("faults", '{"kind": []}'),
    ("faults", '{"kind": "restart", "times": 0}'),
    ("faults", '{"kind": "restart", "seconds": Infinity}'),
    ("faults", '{"kind": "restart", "method": 5}'),
    ("faults", '{"kind": "restart", "endpoint": "x"}'),
    ("faults", '{"kind": "restart", "colour": "x"}'),
    ("latency", '{"preset": {}}'),
    ("latency", '{"one_way_s": 1e400}'),
    ("latency", '{"block_bytes": 0}'),
]


@pytest.mark.parametrize(("route", "body"), BAD, ids=[f"{route} {body[:30]}" for route, body in BAD])
def test_bad_fields_are_400(replica, route, body):
    """What a field must be is said in one sentence, and nothing is done."""
    before = (replica.clock.now_ns(), replica.node.state.round, replica.is_held, replica.faults.left)
    request = HttpRequest(method="POST", path=f"/_/{route}", body=body.encode())
    answer = HttpRouter(replica).handle(request)
    assert answer.status == 400
    assert 10 < len(answer.body) < 400
    assert answer.body.decode().isprintable()
    assert (replica.clock.now_ns(), replica.node.state.round, replica.is_held, replica.faults.left) == before


@pytest.mark.parametrize(
    "path", ["figures?since=x", "lines?since=-1", f"lines?since={'9' * 5000}", "canisters/x-y"]
)
def test_bad_questions_are_400(ask, path):
    """What is asked for in the path or query string is checked as well."""
    assert ask("GET", path)[0] == 400


def test_unknown_routes_are_404(ask):
    """What is not in the table does not exist."""
    assert ask("GET", "tick")[0] == 404
    assert ask("POST", "status")[0] == 404


def test_restart(ask, rust):
    """A restart keeps what was answered."""
    rust.update("add", 1)
    ask("POST", "restart")
    reply = rust.replica.execute_query(rust.sender, rust.id, "get", b"DIDL\0\0")
    assert candid.decode(reply, did("rust/rust").methods["get"].return_types) == (8,)
