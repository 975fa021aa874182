"""Queries, state readings and the keys of nodes."""

import pytest

from ic_harness.agent import Response
from ic_harness.errors import CertificateError, InputError, RejectError, TransportError
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

from .standin import CANISTER, METADATA, NODE, ROOT, SECOND, StandIn, times

OTHER = Ed25519Identity.from_seed(b"\x08" * 32)


def ask(net, **options):
    """One query through a fresh agent."""
    return net.agent(**options).query(CANISTER, "get", b"DIDL\x00\x00")


ENTRY_POINTS = {
    "update": lambda agent, canister: agent.update(canister, "greet", b""),
    "query": lambda agent, canister: agent.query(canister, "get", b""),
    "effective": lambda agent, canister: agent.query(CANISTER, "get", b"", effective_canister_id=canister),
    "metadata": lambda agent, canister: agent.read_metadata(canister, "candid:service"),
    "state": lambda agent, canister: agent.read_state([[b"time"]], canister).time_ns,
    "subnet": lambda agent, canister: agent.read_subnet(canister).subnet_id,
}


@pytest.mark.parametrize("use", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_a_canister_is_named_in_any_form(use):
    """A canister is a `Principal`, its text, or its bytes; each gives the same requests and the same result."""
    seen = []
    for form in (CANISTER, str(CANISTER), CANISTER.raw):
        net = StandIn()
        seen.append((use(net.agent(), form), net.paths))
    assert seen[1:] == seen[:1] * 2


@pytest.mark.parametrize("delegated", [False, True])
def test_query_is_verified_by_node_keys(delegated):
    """The first query reads the subnet's node keys, the next ones use them."""
    net = StandIn(delegated=delegated)
    agent = net.agent()
    assert [agent.query(CANISTER, "get", b"") for _ in range(3)] == [b"answer"] * 3
    assert [path.rsplit("/", 1)[1] for path in net.paths] == ["query", "read_state", "query", "query"]


def test_keys_are_read_again_after_five_minutes():
    """Node keys are not believed for ever."""
    net = StandIn()
    agent = net.agent()
    agent.query(CANISTER, "get", b"")
    net.now += 301 * SECOND
    agent.query(CANISTER, "get", b"")
    assert sum(path.endswith("read_state") for path in net.paths) == 2


def test_a_node_that_joined_later_is_looked_up():
    """An unknown signer makes the agent read the keys once more before it refuses."""
    net = StandIn()
    agent = net.agent()
    agent.query(CANISTER, "get", b"")
    net.nodes, net.signer = [NODE, OTHER], OTHER
    assert agent.query(CANISTER, "get", b"") == b"answer"


def test_a_stranger_is_refused():
    """An answer signed by no node of the subnet is refused; keys that were just read are not read again."""
    net = StandIn(signer=OTHER)
    with pytest.raises(CertificateError, match="no node of the subnet"):
        ask(net)
    assert [path.rsplit("/", 1)[1] for path in net.paths] == ["query", "read_state"]


def test_unverified_queries_only_when_asked_for():
    """Verification can be switched off, and then costs no request."""
    net = StandIn(signer=OTHER)
    assert ask(net, verify_queries=False) == b"answer"
    assert len(net.paths) == 1


def test_rejected_query():
    """A rejected query is a reject error; its signature is verified too."""
    rejected = {"status": "rejected", "reject_code": 3, "reject_message": "none", "error_code": "IC0301"}
    with pytest.raises(RejectError, match="IC0301"):
        ask(StandIn(answer=rejected))
    with pytest.raises(CertificateError):
        ask(StandIn(answer=rejected, signer=OTHER))


@pytest.mark.parametrize(
    "changed",
    [
        {"status": b"rejected"},
        {"status": "replied"},
        {"status": None},
        {"reject_code": 1 << 70},
        {"reject_message": b"none"},
        {"status": b"replied", "reply": {"arg": b"x"}},
        {"status": ["x" * 10_000]},
    ],
)
def test_query_answers_of_other_types(changed):
    """Nodes sign the same hash for a text and its bytes, so the types are checked when an answer is read."""
    rejected = {"status": "rejected", "reject_code": 3, "reject_message": "none"}
    with pytest.raises(TransportError, match="neither reply nor reject") as caught:
        ask(StandIn(answer=rejected | changed), verify_queries=False)
    assert len(str(caught.value)) < 1_000


def test_query_of_another_time():
    """An answer stamped six minutes ago is stale."""
    net = StandIn()
    agent = net.agent()
    agent.read_subnet(CANISTER)
    net.skew = -360 * SECOND
    with pytest.raises(CertificateError):
        agent.query(CANISTER, "get", b"")


def test_query_without_content():
    """A signed answer that is neither reply nor reject is a transport error."""
    with pytest.raises(TransportError, match="neither"):
        ask(StandIn(answer={"status": "replied"}))


def test_query_survives_a_hiccup():
    """Queries are repeated after a failure."""
    net = StandIn(faults=[times(2, lambda _: Response(502, {}, b"bad gateway"))])
    assert ask(net) == b"answer"


@pytest.mark.parametrize("lost", [b"", b"<html>gateway</html>", b"\xd9\xd9\xf7\xa2\x66stat"])
def test_a_lost_answer_is_asked_for_again(lost):
    """Answers that were cut off or replaced are asked for again: of queries, keys of nodes, and the status."""
    net = StandIn(faults=[times(2, lambda _: Response(200, {}, lost))])
    assert ask(net) == b"answer"
    net = StandIn(faults=[times(2, lambda _: Response(200, {}, lost))])
    assert net.agent().read_metadata(CANISTER, "candid:service") == METADATA
    net = StandIn(faults=[times(2, lambda _: Response(200, {}, lost))])
    assert net.agent().status()["replica_health_status"] == "healthy"


def test_a_canister_outside_the_ranges():
    """A root subnet that is not responsible for a canister cannot answer for it."""
    with pytest.raises(CertificateError, match="not in the canister ranges"):
        StandIn().agent().query(Principal(b"\xff" * 10), "get", b"")


def test_metadata():
    """Metadata is read with proof, of presence and of absence."""
    agent = StandIn().agent()
    assert agent.read_metadata(CANISTER, "candid:service") == METADATA
    assert agent.read_metadata(CANISTER, "candid:args") is None


def test_state_is_readable_with_proof():
    """`read_state` gives a verified certificate."""
    certificate = StandIn().agent().read_state([[b"time"]], CANISTER)
    assert certificate.time_ns > 0


def test_subnet_state():
    """A subnet's own state is read from its endpoint, and only believed when that subnet signed it."""
    net = StandIn()
    own = Principal.self_authenticating(ROOT.public_der)
    certificate = net.agent().read_subnet_state([[b"time"]], own)
    assert certificate.time_ns == net.now
    assert net.paths == [f"/api/v3/subnet/{own}/read_state"]
    with pytest.raises(CertificateError, match="signed the response"):
        net.agent().read_subnet_state([[b"time"]], CANISTER)


def test_the_management_canister_lives_nowhere():
    """A call to it needs an effective canister id, and says so before anything is sent."""
    net = StandIn()
    with pytest.raises(InputError, match="effective"):
        net.agent().query(Principal.management(), "canister_status", b"")
    assert net.paths == []


def test_status():
    """The status is a plain map."""
    assert StandIn().agent().status()["replica_health_status"] == "healthy"
