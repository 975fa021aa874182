"""Machines whose clock is wrong: the network's time is taken over when it is proven, and nothing runs twice."""

import pytest

from ic_harness.agent import Agent, Management, Response
from ic_harness.errors import CallTimeoutError, CertificateError, ClockError, HttpStatusError
from ic_harness.networks import embedded
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Ed25519Identity

from .standin import CANISTER, METADATA, SECOND, StandIn, ok

HOUR = 3600 * SECOND
STRANGER = Ed25519Identity.from_seed(b"\x09" * 32)


def agent_off_by(net, offset_ns, **options):
    """An agent on a machine whose clock is wrong by so much."""
    return net.agent(clock=lambda: net.now + offset_ns, **options)


def expiries(net):
    """The expiry of every update that the network executed."""
    return [content["ingress_expiry"] for content in net.executed]


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("behind", [5 * 60 * SECOND, HOUR, 365 * 24 * HOUR])
def test_a_clock_that_is_behind_is_corrected(behind, delegated):
    """An update of the past is made anew by the network's time: it runs once, and its reply is proven."""
    net = StandIn(delegated=delegated)
    agent = agent_off_by(net, -behind)
    assert agent.update(CANISTER, "greet", b"") == b"reply"
    assert expiries(net) == [net.now + 240 * SECOND]
    before = len(net.paths)
    assert agent.update(CANISTER, "greet", b"") == b"reply"
    assert len(net.paths) == before + 1  # the time is asked once


@pytest.mark.parametrize("ahead", [5 * 60 * SECOND, HOUR, 365 * 24 * HOUR])
def test_an_update_of_the_future_is_not_made_twice(ahead):
    """A request from a clock that is ahead becomes valid later: it is not replaced, but the next one is right."""
    net = StandIn()
    agent = agent_off_by(net, ahead)
    with pytest.raises(ClockError, match=f"{ahead // SECOND} s ahead.*call again") as caught:
        agent.update(CANISTER, "greet", b"")
    assert (caught.value.method, net.executed) == ("greet", [])
    assert agent.update(CANISTER, "greet", b"") == b"reply"
    assert expiries(net) == [net.now + 240 * SECOND]


READS = {
    "query": (lambda agent: agent.query(CANISTER, "get", b""), b"answer"),
    "metadata": (lambda agent: agent.read_metadata(CANISTER, "candid:service"), METADATA),
    "state": (lambda agent: agent.read_state([[b"time"]], CANISTER).time_ns, StandIn().now),
    "nodes": (lambda agent: len(agent.read_subnet(CANISTER).node_keys), 1),
}


@pytest.mark.parametrize(("ask", "answer"), READS.values(), ids=READS)
@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_reading_is_simply_repeated(ask, answer, offset):
    """Queries and reads may be repeated, so a wrong clock in either direction does not show."""
    assert ask(agent_off_by(StandIn(), offset)) == answer


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_unsigned_requests_of_a_wrong_clock(offset):
    """Nobody refuses an anonymous query, so a wrong clock is an error that says so."""
    net = StandIn()
    agent = agent_off_by(net, offset)
    agent.session.identity = AnonymousIdentity()
    with pytest.raises(CertificateError, match="check the clocks"):
        agent.query(CANISTER, "get", b"")


def test_an_update_that_is_late_may_have_run():
    """A request that was made in time and arrives when it has expired is not replaced: a copy may have run."""
    net = StandIn()

    def late(request):
        if request.path.endswith("call"):
            net.now += 290 * SECOND

    net.faults.append(late)
    with pytest.raises(CallTimeoutError, match="expired on its way"):
        net.agent().update(CANISTER, "greet", b"")
    assert net.executed == []


def test_a_request_that_expires_as_it_is_made_may_have_run():
    """A request is valid through its expiry: one that expires at the moment in which it is made is not replaced."""
    net = StandIn()

    def late(request):
        if request.path.endswith("call"):
            net.now += 1

    net.faults.append(late)
    agent = agent_off_by(net, -240 * SECOND)
    with pytest.raises(CallTimeoutError, match="expired on its way"):
        agent.update(CANISTER, "greet", b"")
    assert net.executed == []
    assert agent.session.offset_ns == 240 * SECOND


def test_on_the_embedded_network():
    """Against a whole replica, canisters are made, and calls and reads succeed with a clock that is an hour off."""
    with embedded() as network:
        transport, me = network.agent().transport, Ed25519Identity.generate()
        late = Agent(transport, me, root_key=network.root_key, clock=lambda: network.time_ns() - HOUR)
        early = Agent(transport, me, root_key=network.root_key, clock=lambda: network.time_ns() + HOUR)
        canister = Management(late).provisional_create_canister_with_cycles()
        assert early.read_state([[b"time"]], canister).time_ns > 0
        # Reading has set the clock, so that the update of a clock that was ahead is right at once.
        assert Management(early).canister_status(canister)["status"] == {"running": None}


def refusing_calls(passing_ns=0):
    """A network that refuses every call without a reason, after some time."""
    net = StandIn()

    def refuse(request):
        if not request.path.endswith("call"):
            return None
        net.now += passing_ns
        return Response(400, {}, b"Invalid request expiry: because I say so")

    net.faults.append(refuse)
    return net


@pytest.mark.parametrize("passing", [0, 240 * SECOND], ids=["at once", "at its expiry"])
def test_a_refusal_without_reason_changes_nothing(passing):
    """A valid request's refusal, also at the moment of its expiry, is raised as it came; nothing is sent again."""
    net = refusing_calls(passing)
    with pytest.raises(HttpStatusError, match="because I say so"):
        net.agent().update(CANISTER, "greet", b"")
    assert sum(path.endswith("call") for path in net.paths) == 1


@pytest.mark.parametrize(
    ("ahead", "error"), [(30 * SECOND - 1, HttpStatusError), (30 * SECOND, ClockError)], ids=["below", "30 s"]
)
def test_a_small_difference_of_the_clocks_is_no_reason(ahead, error):
    """Replicas tolerate a clock that is less than 30 seconds ahead, so it does not explain a refusal."""
    with pytest.raises(error):
        agent_off_by(refusing_calls(), ahead).update(CANISTER, "greet", b"")


def recorded(net, seconds_ago):
    """A fault that answers every query with what the network said to another agent a while ago."""
    now, net.now = net.now, net.now - seconds_ago * SECOND
    kept = []
    net.faults.append(lambda request: kept.append(net.serve(request)) if "query" in request.path else None)
    net.agent().query(CANISTER, "get", b"")
    net.faults.clear()
    net.now = now
    return lambda request: kept[0] if "query" in request.path else None


def test_a_recorded_time_is_not_believed():
    """An old answer with an old time is not for our nonce: the refusal stays, and no clock is moved."""
    net = StandIn()
    net.faults.append(recorded(net, 3600))
    agent = agent_off_by(net, -2 * HOUR)
    with pytest.raises(HttpStatusError, match="Invalid request expiry"):
        agent.update(CANISTER, "greet", b"")
    assert agent.session.offset_ns == 0


@pytest.mark.parametrize(
    "lie", [{"signer": STRANGER}, {"skew": -HOUR, "signer": STRANGER}], ids=["stranger", "stranger's time"]
)
def test_a_time_that_nobody_proves_is_not_believed(lie):
    """A time that is signed by no node of the subnet moves no clock."""
    net = StandIn(**lie)
    agent = agent_off_by(net, -HOUR)
    with pytest.raises(HttpStatusError, match="Invalid request expiry"):
        agent.update(CANISTER, "greet", b"")
    assert agent.session.offset_ns == 0


@pytest.mark.parametrize(
    ("skew", "believed"),
    [
        (-24 * HOUR, False),
        (-300 * SECOND - 1, False),
        (-300 * SECOND, True),
        (300 * SECOND, True),
        (300 * SECOND + 1, False),
    ],
)
def test_a_node_cannot_move_the_clock_alone(skew, believed):
    """A node's time is believed when it is within five minutes of the time that the subnet certifies."""
    net = StandIn()

    def stamped(request):
        if "query" not in request.path:
            return None
        net.skew = skew
        response = net.serve(request)
        net.skew = 0
        return response

    net.faults.append(stamped)
    agent = agent_off_by(net, -HOUR)
    with pytest.raises(HttpStatusError, match="Invalid request expiry"):
        agent.update(CANISTER, "greet", b"")
    assert agent.session.offset_ns == (HOUR + skew if believed else 0)


def test_an_unsigned_time_is_not_believed():
    """An answer to the query for the time that carries no signature proves no time: the refusal is raised."""
    net = StandIn()
    net.faults.append(lambda request: ok(net.answer) if "query" in request.path else None)
    agent = agent_off_by(net, -HOUR)
    with pytest.raises(HttpStatusError, match="Invalid request expiry"):
        agent.update(CANISTER, "greet", b"")
    assert agent.session.offset_ns == 0


def test_an_expired_delegation_is_no_matter_of_clocks():
    """A refusal for another expiry than the request's does not start the search for the time."""
    text = b"Invalid delegation expiry: Specified sender delegation has expired"
    net = StandIn(faults=[lambda _: Response(400, {}, text)])
    for call in (net.agent().update, net.agent().query):
        net.paths.clear()
        with pytest.raises(HttpStatusError, match="delegation has expired"):
            call(CANISTER, "greet", b"")
        assert len(net.paths) == 1


def test_a_refused_anonymous_query_does_not_ask_for_the_time():
    """The time is measured by such a query, so its own refusal is the answer."""
    net = StandIn(faults=[lambda _: Response(400, {}, b"Invalid request expiry: no reason")])
    agent = net.agent()
    agent.session.identity = AnonymousIdentity()
    with pytest.raises(HttpStatusError, match="no reason"):
        agent.query(CANISTER, "get", b"")
    assert len(net.paths) == 1


def test_a_canister_outside_the_ranges_tells_no_time():
    """The time is only believed from a subnet that is responsible for the canister."""
    net = StandIn()
    with pytest.raises(HttpStatusError, match="Invalid request expiry"):
        agent_off_by(net, -HOUR).update(Principal(b"\xff" * 10), "greet", b"")
