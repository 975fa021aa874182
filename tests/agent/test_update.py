"""Updates: the way of a call through API versions, polling, lost answers and retries."""

import pytest

from ic_harness.agent import NO_RETRIES, Response, RetryPolicy
from ic_harness.errors import (
    CallTimeoutError,
    CertificateError,
    HttpStatusError,
    InputError,
    RejectError,
    TransportError,
)
from ic_harness.principal import Principal
from ic_harness.protocol import Envelope

from .standin import CANISTER, SECOND, StandIn, ok, times


def call(net, **options):
    """One update through a fresh agent."""
    return net.agent(**options).update(CANISTER, "greet", b"DIDL\x00\x00")


def lost(_request):
    """A connection that breaks."""
    raise TransportError("connection reset")


@pytest.mark.parametrize("delegated", [False, True])
def test_synchronous_call(delegated):
    """One request is enough where the network answers with a certificate."""
    net = StandIn(delegated=delegated)
    assert call(net) == b"reply"
    assert net.paths == [f"/api/v4/canister/{CANISTER}/call"]


def test_versions_fall_back_and_are_remembered():
    """A network without v4 and v3 is asked for v2 from then on."""
    net = StandIn(versions=("v2",))
    agent = net.agent()
    agent.update(CANISTER, "greet", b"")
    agent.update(CANISTER, "greet", b"")
    kinds = [path.split("/")[2] + path.rsplit("/", 1)[1] for path in net.paths]
    assert kinds == ["v4call", "v3call", "v2call", "v3read_state", "v2read_state", "v2call", "v2read_state"]


def test_polling_slows_down():
    """Polling waits a little, then longer, and never more than a second."""
    net = StandIn(polls=12)
    assert call(net) == b"reply"
    assert net.sleeps[0] < 0.1
    assert net.sleeps == sorted(net.sleeps)
    assert max(net.sleeps) <= 1.0


def test_certified_reject():
    """A reject in the certificate carries code, message and error code."""
    net = StandIn(
        verdict={
            b"status": b"rejected",
            b"reject_code": b"\x05",
            b"reject_message": b"trapped",
            b"error_code": b"IC0503",
        }
    )
    with pytest.raises(RejectError, match=r"greet on .*trapped") as caught:
        call(net)
    error = caught.value
    assert (error.reject_code, error.error_code, error.certified) == (5, "IC0503", True)
    assert (error.method, error.canister) == ("greet", str(CANISTER))


def test_errors_name_the_call_that_the_user_made():
    """An error while polling or reading keys is about the call, not about the request that failed."""

    def broken(request):
        return Response(400, {}, b"no") if "read_state" in request.path else None

    for net in (StandIn(versions=("v2",), faults=[broken]), StandIn(faults=[broken])):
        agent = net.agent()
        with pytest.raises(HttpStatusError) as caught:
            (agent.update if net.versions == ("v2",) else agent.query)(CANISTER, "greet", b"")
        assert (caught.value.method, caught.value.canister) == ("greet", str(CANISTER))


@pytest.mark.parametrize("status", [{}, {"status": "non_replicated_rejection"}])
def test_uncertified_reject(status):
    """A refusal at the door is a reject too, but not certified."""
    net = StandIn(
        direct=status | {"reject_code": 3, "reject_message": "no such canister", "error_code": "IC0301"}
    )
    with pytest.raises(RejectError) as caught:
        call(net)
    assert not caught.value.certified


def test_a_call_that_expires_unseen_will_never_run():
    """When a certificate younger than the expiry does not know the call, the error says so."""
    net = StandIn(versions=("v2",), faults=[lambda r: Response(202, {}, b"") if "call" in r.path else None])
    with pytest.raises(CallTimeoutError, match="will never run"):
        call(net)
    assert sum(net.sleeps) < 300


def test_endless_processing_ends_with_the_expiry():
    """A call that is processed for ever times out soon after its expiry."""
    net = StandIn(polls=10**9)
    with pytest.raises(CallTimeoutError, match="may still run"):
        call(net)


def test_a_network_whose_time_stands_still_is_given_up():
    """Polling is bounded by what was waited, even when no clock moves."""
    net = StandIn(polls=10**9)
    naps: list[float] = []
    with pytest.raises(CallTimeoutError):
        call(net, sleep=naps.append)
    assert 300 <= sum(naps) < 305


def test_the_time_of_the_expiry_is_not_past_it():
    """A call may run until its expiry, so only a later certificate proves that it never will."""
    net = StandIn(versions=("v2",), faults=[lambda r: Response(202, {}, b"") if "call" in r.path else None])
    sealed: list[int] = []
    times_polled: list[int] = []

    def sleep(_seconds):
        times_polled.append(net.now)
        net.now = max(net.now + 1, sealed[0])

    def remember(request):
        if request.path.endswith("call"):
            sealed.append(Envelope.from_cbor(request.body).content["ingress_expiry"])

    net.faults.insert(0, remember)
    with pytest.raises(CallTimeoutError, match="will never run"):
        call(net, sleep=sleep)
    assert times_polled[1:] == sealed
    assert net.now == sealed[0] + 1


@pytest.mark.parametrize(("late", "runs"), [(0, True), (1, False)])
def test_a_call_is_sent_again_until_its_expiry(late, runs):
    """At its expiry a call can still be sent, one nanosecond later it cannot."""
    net = StandIn(faults=[times(2, lost)])
    sealed: list[int] = []

    def sleep(_seconds):
        net.now = sealed[0] + late

    def remember(request):
        if request.path.endswith("call"):
            sealed.append(Envelope.from_cbor(request.body).content["ingress_expiry"])

    net.faults.insert(0, remember)
    if runs:
        assert call(net, sleep=sleep) == b"reply"
    else:
        with pytest.raises(TransportError):
            call(net, sleep=sleep)
    assert len(net.executed) == runs


INCOMPLETE = {
    "reply missing": ({b"status": b"replied"}, "holds no reply"),
    "code and message missing": ({b"status": b"rejected"}, "no reject code and message"),
    "code missing": ({b"status": b"rejected", b"reject_message": b"no"}, "no reject code and message"),
    "message missing": ({b"status": b"rejected", b"reject_code": b"\x05"}, "no reject code and message"),
    "code that is no number": (
        {b"status": b"rejected", b"reject_code": b"\x80", b"reject_message": b"no"},
        "not a number",
    ),
    "another status": ({b"status": b"lost"}, "unknown request status: b'lost'"),
}


@pytest.mark.parametrize(("verdict", "reason"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_certificate_that_contradicts_itself(verdict, reason):
    """A certified status without what belongs to it is an error of the network, never an endless poll."""
    with pytest.raises(CertificateError, match=reason):
        call(StandIn(verdict=verdict))


@pytest.mark.parametrize(
    ("code", "error"),
    [(0, TransportError), (1, RejectError), (2**64 - 1, RejectError), (2**64, TransportError)],
)
def test_reject_codes_are_natural_numbers(code, error):
    """A reject has a code from 1 that fits into 64 bits; anything else is no reject."""
    with pytest.raises(error) as caught:
        call(StandIn(direct={"reject_code": code, "reject_message": "no"}))
    assert getattr(caught.value, "reject_code", code) == code


def test_dropped_reply():
    """`done` means that the reply is gone: a timeout error, not an endless poll."""
    with pytest.raises(CallTimeoutError, match="no longer kept"):
        call(StandIn(verdict={b"status": b"done"}))


def run_then_lose(net):
    """A fault that lets the network take the call, and then loses the answer."""

    def fault(request):
        if not request.path.endswith("call") or net.calls:
            return
        net.serve(request)
        raise TransportError("connection reset")

    return fault


def test_a_lost_reply_is_looked_up_before_anything_is_sent_again():
    """A call whose answer was lost is found by its id: it runs once and is sent once."""
    net = StandIn()
    net.faults.append(run_then_lose(net))
    assert call(net) == b"reply"
    assert len(net.executed) == 1
    assert [path.rsplit("/", 1)[1] for path in net.paths] == ["call", "read_state", "read_state"]


@pytest.mark.parametrize("lost", [b"", b"<html>gateway</html>", b"\xd9\xd9\xf7\xa2\x66stat"])
@pytest.mark.parametrize("status", [200, 502, 521])
def test_a_reply_that_became_something_else_is_looked_up(lost, status):
    """A reply that was cut off, or replaced by the page of a proxy, is a lost one: the call runs once."""
    net = StandIn()

    def spoil(request):
        if not request.path.endswith("call") or net.calls:
            return None
        net.serve(request)
        return Response(status, {}, lost)

    net.faults.append(spoil)
    assert call(net) == b"reply"
    assert len(net.executed) == 1
    assert [path.rsplit("/", 1)[1] for path in net.paths] == ["call", "read_state", "read_state"]


def test_a_call_that_never_arrived_is_sent_again_as_the_same_request():
    """After a proof of absence the same bytes go out again."""
    bodies = []
    net = StandIn(
        faults=[lambda r: bodies.append(r.body) if r.path.endswith("call") else None, times(1, lost)]
    )
    assert call(net) == b"reply"
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


def test_a_dead_network_is_an_error_after_a_few_tries():
    """Nothing is tried for ever."""
    net = StandIn(faults=[lost])
    with pytest.raises(TransportError, match="connection reset"):
        call(net)
    assert len(net.sleeps) == RetryPolicy().failures - 1


def test_without_retries_the_first_failure_is_told():
    """A policy without retries sends once."""
    net = StandIn(faults=[lost])
    with pytest.raises(TransportError):
        call(net, retry=NO_RETRIES)
    assert len(net.paths) == 1


def test_retry_after_is_honoured():
    """An overloaded network says when to come back, and is obeyed."""
    busy = Response(429, {"retry-after": "7"}, b"slow down")
    net = StandIn(faults=[times(2, lambda _: busy)])
    assert call(net) == b"reply"
    assert net.sleeps == [7.0, 7.0]


def test_retry_after_as_a_date():
    """The date form of the header is understood; absurdly far ones end the attempts."""
    soon = Response(503, {"retry-after": "Tue, 14 Nov 2023 22:13:25 GMT"}, b"")
    net = StandIn(faults=[times(1, lambda _: soon)])
    assert call(net) == b"reply"
    assert net.sleeps == [5.0]
    never = Response(503, {"retry-after": "86400"}, b"later")
    with pytest.raises(HttpStatusError, match="503"):
        call(StandIn(faults=[lambda _: never]))


def test_no_request_is_sent_again_after_its_expiry():
    """When waiting took longer than the request is valid, the last failure is told."""
    net = StandIn(faults=[lambda _: Response(503, {"retry-after": "60"}, b"busy")])
    with pytest.raises(HttpStatusError, match="503"):
        call(net)
    assert sum(net.sleeps) <= 300


def test_backoff_grows_and_is_spread():
    """Without a header the pauses grow, each multiplied by the jitter."""
    net = StandIn(faults=[times(3, lambda _: Response(503, {}, b""))])
    call(net, retry=RetryPolicy(spread=lambda: 0.5))
    assert net.sleeps == [0.1, 0.2, 0.4]


@pytest.mark.parametrize("status", [400, 403, 413])
def test_final_statuses_are_not_retried(status):
    """What the network refuses for good is told at once, with its text."""
    net = StandIn(faults=[lambda _: Response(status, {}, b"because")])
    with pytest.raises(HttpStatusError, match="because") as caught:
        call(net)
    assert caught.value.status == status
    assert len(net.paths) == 1


def test_two_equal_calls_are_two_requests():
    """A nonce tells equal calls apart."""
    net = StandIn()
    agent = net.agent()
    agent.update(CANISTER, "greet", b"")
    agent.update(CANISTER, "greet", b"")
    assert len(net.executed) == 2


def test_effective_canister_id_is_in_the_path():
    """Calls to the management canister go where their subject lives."""
    net = StandIn()
    net.agent().update(Principal.management(), "raw_rand", b"", effective_canister_id=CANISTER)
    assert net.paths == [f"/api/v4/canister/{CANISTER}/call"]


@pytest.mark.parametrize(
    ("method", "arg"), [("greet", "text"), ("greet", None), ("greet", 5), (b"greet", b"")]
)
def test_what_is_no_argument(method, arg):
    """An argument that is not encoded is the caller's mistake, told before anything is sent."""
    net = StandIn()
    for send in (net.agent().update, net.agent().query):
        with pytest.raises(InputError):
            send(CANISTER, method, arg)
    assert net.paths == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_is_an_argument(kind):
    """Bytes of any kind are sent."""
    assert StandIn().agent().update(CANISTER, "greet", kind(b"DIDL")) == b"reply"


HTML = Response(200, {"content-type": "text/html"}, b"<html><body>Welcome to the hotel</body></html>")
BROKEN = {
    "HTML": (HTML, TransportError, "text/html.*hotel"),
    "empty body": (Response(200, {}, b""), TransportError, "not CBOR"),
    "a list": (ok([1]), TransportError, "list instead of a map"),
    "an empty map": (ok({}), TransportError, "neither reply nor reject"),
    "certificate that is none": (
        ok({"status": "replied", "certificate": b"\x01"}),
        CertificateError,
        "no certificate",
    ),
}


@pytest.mark.parametrize(("response", "error", "reason"), BROKEN.values(), ids=BROKEN)
def test_answers_that_are_none(response, error, reason):
    """What is not an answer is a typed error that shows what came."""
    with pytest.raises(error, match=reason):
        call(StandIn(faults=[lambda _: response]))


def test_a_changed_reply_is_noticed():
    """The reply replaced on the way is a certificate error, never a wrong result."""
    net = StandIn()

    def swap(request):
        response = net.serve(request)
        body = response.body.replace(b"\x82\x03\x45reply", b"\x82\x03\x45wrong")
        return Response(200, response.headers, body)

    net.faults.append(swap)
    with pytest.raises(CertificateError, match="signature"):
        call(net)


def test_the_reply_to_another_call_is_no_answer():
    """A certificate of another request proves nothing about ours: the agent goes on asking, then gives up."""
    net = StandIn()
    agent = net.agent()
    agent.update(CANISTER, "first", b"")
    stored = next(iter(net.calls))
    swapped = {"status": "replied", "certificate": net.certificate([(b"request_status", stored)])}
    net.faults.append(lambda request: ok(swapped) if request.path.endswith("call") else None)
    with pytest.raises((CertificateError, CallTimeoutError)):
        agent.update(CANISTER, "second", b"")


@pytest.mark.parametrize("skew", [-301 * SECOND, 301 * SECOND])
def test_a_certificate_of_another_time_is_refused(skew):
    """A replayed certificate, or a clock that is wrong, is a certificate error that says so."""
    with pytest.raises(CertificateError, match="clocks"):
        call(StandIn(skew=skew))


def test_another_canisters_subnet_is_refused():
    """A subnet cannot answer for canisters outside of its ranges."""
    net = StandIn(delegated=True)
    with pytest.raises(CertificateError, match="not responsible"):
        net.agent().update(Principal(b"\xff" * 10), "greet", b"")


def test_a_lying_root_key_is_refused():
    """When the root key was given, certificates of another root do not count."""
    net = StandIn()
    with pytest.raises(CertificateError, match="root key"):
        call(net, root_key=b"\x30" + net.agent().root_key()[1:-1] + b"\x00")


def test_the_root_key_is_fetched_once_and_pinned():
    """Without a given key the network is asked once, and not believed a second one."""
    net = StandIn()
    agent = net.agent(root_key=None)
    agent.update(CANISTER, "greet", b"")
    agent.update(CANISTER, "greet", b"")
    assert net.paths.count("/api/v2/status") == 1


@pytest.mark.parametrize("answer", [{}, {"root_key": "text"}, {"root_key": b"short"}])
def test_a_root_key_that_is_none(answer):
    """A network that tells no usable key cannot be trusted."""
    net = StandIn(faults=[lambda r: ok(answer) if r.path.endswith("status") else None])
    with pytest.raises(CertificateError):
        call(net, root_key=None)


def test_the_envelope_is_signed_once():
    """A big argument is sent as it was given, whole."""
    seen = []

    def record(request):
        seen.append(Envelope.from_cbor(request.body).content["arg"])

    net = StandIn(faults=[record])
    net.agent().update(CANISTER, "put", bytes(1_800_000))
    assert seen == [bytes(1_800_000)]
