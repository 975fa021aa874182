"""Networks that lie: whatever bit is changed on the way, the result is right or an error is typed."""

import contextlib
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.agent import NO_RETRIES, Response
from ic_harness.errors import CallError, ProtocolError, RejectError, TransportError
from tests.amounts import amount

from .standin import CANISTER, NODE, START, StandIn, ok


def flip(position):
    """A fault that changes one bit in the body of every answer (positions wrap around)."""

    def fault(net):
        def answer(request):
            response = net.serve(request)
            raw = bytearray(response.body)
            if raw:
                bit = position % (8 * len(raw))
                raw[bit // 8] ^= 1 << bit % 8
            return Response(response.status, response.headers, bytes(raw))

        return answer

    return fault


def ask(net, kind):
    """One call without retries; sleeping is free."""
    agent = net.agent(retry=NO_RETRIES)
    return getattr(agent, kind)(CANISTER, "greet", b"DIDL\x00\x00")


def outcome(net, kind):
    """The result of a call, or that it failed as it may.

    A reject that nobody certified is no wrong result.
    """
    try:
        return ask(net, kind)
    except RejectError as error:
        return "a forged reject" if error.certified else "typed error"
    except (CallError, ProtocolError):
        return "typed error"


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 20_000), st.sampled_from(["update", "query"]), st.booleans())
def test_a_changed_bit_never_gives_a_wrong_result(position, kind, delegated):
    """One bit changed in every answer: the true result, or a typed error.

    An invented reject is uncertified.
    """
    net = StandIn(delegated=delegated)
    net.faults.append(flip(position)(net))
    assert outcome(net, kind) in {b"reply" if kind == "update" else b"answer", "typed error"}


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=80), st.sampled_from([200, 202, 204, 301, 400, 404, 500]))
def test_any_answer_is_handled(body, status):
    """Whatever a server says to a query and a status request, the error is typed."""
    for kind in ("query", "update"):
        net = StandIn(faults=[lambda _: Response(status, {}, body)])
        with pytest.raises((CallError, ProtocolError)):
            ask(net, kind)
    with contextlib.suppress(CallError):
        StandIn(faults=[lambda _: Response(status, {}, body)]).agent(retry=NO_RETRIES).status()


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.binary(max_size=48) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["status", "reply", "certificate", "signatures", "reject_code", "reject_message", "root_key"]
SIGNATURE = {"timestamp": START, "signature": bytes(64), "identity": NODE.principal.raw}


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), junk, max_size=5),
    st.dictionaries(st.sampled_from(list(SIGNATURE)), junk, max_size=2),
    st.booleans(),
)
def test_junk_in_any_field_is_a_typed_error(answer, signature, signed):
    """Well-formed CBOR with nonsense in its fields is a typed error for every kind of request."""
    if signed:
        answer["signatures"] = [SIGNATURE | signature]
    for kind in ("query", "update"):
        net = StandIn(faults=[lambda r: None if "read_state" in r.path else ok(answer)])
        with pytest.raises((CallError, ProtocolError)):
            ask(net, kind)
    with pytest.raises((CallError, ProtocolError)):
        StandIn(faults=[lambda _: ok(answer)]).agent().read_state([[b"time"]], CANISTER)


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -1])
def test_cut_answers(cut):
    """A body that ends early is a typed error."""
    net = StandIn()

    def shorten(request):
        response = net.serve(request)
        return Response(response.status, response.headers, response.body[:cut])

    net.faults.append(shorten)
    with pytest.raises((TransportError, ProtocolError)):
        ask(net, "update")


def in_flight(agent, count, workers):
    """Make `count` calls with `workers` at once."""
    with ThreadPoolExecutor(workers) as pool:
        replies = list(pool.map(lambda _: agent.update(CANISTER, "greet", b""), range(count)))
    assert set(replies) == {b"reply"}


def blocks():
    """How many blocks of memory Python holds."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.slow
def test_thousands_of_calls_leave_nothing_behind():
    """Thousands of calls with 64 in flight leak neither memory nor threads nor places under the limit."""
    calls = amount(3_000, thorough=10_000)
    net = StandIn()
    serve = net.serve

    def forgetful(request):
        # The stand-in itself must not grow, or its growth would be taken for the agent's.
        with lock:
            answer = serve(request)
            for record in list(net.calls)[:-100]:
                net.calls.pop(record, None)
            net.executed.clear()
            net.paths.clear()
        return answer

    lock = threading.Lock()
    net.faults.append(forgetful)
    agent = net.agent()
    in_flight(agent, 500, 64)
    before, threads = blocks(), threading.active_count()
    in_flight(agent, calls, 64)
    # Remembered verdicts of signatures are bounded; nothing may grow with the number of calls.
    assert blocks() - before < calls
    assert threading.active_count() == threads
    assert agent._limiter.rule.in_flight == 0
