"""Update and query calls without I/O: send, poll, verify. These are flows, see `effects`.

    update: send v4 ──404──▶ v3 ──404──▶ v2
              │ 200 with certificate ─▶ verify ─▶ reply, reject, or not finished ─┐
              │ 200 with reject ─▶ RejectError, uncertified                       │
              │ 202 ──────────────────────────────────────────────────────────▶ poll read_state until the
              │ broken ─▶ is the request known? ─ yes ────────────────────────▶   request has expired
              │ expired ─▶ the network's time; was it made too late to run? ─ yes ─▶ a new request, once
              └─◀──────── pause, the same bytes ─ no

Interface specification, "Request: Call" and "Request: Query".
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.agent import messages
from ic_harness.agent.effects import Flow, Pause
from ic_harness.agent.messages import (
    Pending,
    Reply,
    UnknownRequest,
    call_fields,
    canister_path,
    content,
    effective_id,
    error_context,
    exchange,
    pause_or_raise,
    retrying,
)
from ic_harness.agent.read_state import read_state, root_key, verify_query
from ic_harness.agent.retry import BROKEN, NO_RETRIES, Attempts, RetryPolicy, retry_after_s, retryable
from ic_harness.agent.session import INGRESS_TTL, Session
from ic_harness.agent.time_sync import assert_expired, refused_for_expiry, sync_clock, with_synced_clock
from ic_harness.errors import CallTimeoutError, HttpStatusError, TransportError
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, Envelope, seal
from ic_harness.units import MINUTE

FIRST_POLL_S: Final = 0.05
POLL_FACTOR: Final = 1.5
LONGEST_POLL_S: Final = 1.0
PATIENCE_S: Final = (INGRESS_TTL + MINUTE) / 1e9
"""The longest that polling takes in all, in seconds, independent of clocks."""


def update(
    session: Session, canister_id: Principal, method: str, arg: bytes, target: Principal | None = None
) -> Flow[bytes]:
    """Make an update call; returns the certified reply.

    `target` is the effective canister id, by default the canister itself. Raises `RejectError`,
    `CallTimeoutError` and the other `CallError`s, `CborError`, `CertificateError`.
    """
    effective = effective_id(canister_id, target)
    fields = call_fields(canister_id, method, arg)
    with error_context(method, canister_id):
        key = session.root_key or (yield from root_key(session))
        envelope, answer = yield from _submit_in_time(session, fields, effective)
        if answer is not None:
            now_ns = session.clock() + session.offset_ns
            certificate = Certificate.from_cbor(answer)
            certificate.verify(key, canister_id=effective, now_ns=now_ns)
            outcome = messages.verdict(certificate, envelope.request_id)
            if isinstance(outcome, Reply):
                return outcome.arg
        return (yield from _poll(session, envelope, effective))


def _submit_in_time(
    session: Session, fields: dict[str, Any], target: Principal
) -> Flow[tuple[Envelope, bytes | None]]:
    """Sign a call and submit it; a call that was expired when it was made is signed once more."""
    made_ns = session.clock()
    envelope, body = _seal_call(session, made_ns + session.offset_ns, fields)
    try:
        return envelope, (yield from _submit(session, envelope, body, target))
    except HttpStatusError as refusal:
        if not refused_for_expiry(refusal):
            raise
        yield from sync_clock(session, target, refusal)
        assert_expired(session, envelope, made_ns, refusal)
    envelope, body = _seal_call(session, session.now(), fields)
    return envelope, (yield from _submit(session, envelope, body, target))


def _seal_call(session: Session, now_ns: int, fields: dict[str, Any]) -> tuple[Envelope, bytes]:
    """Sign a call; its envelope, also as CBOR."""
    envelope = seal(content(session, now_ns, request_type="call", **fields), session.identity)
    body = envelope.to_cbor()
    if session.sealed is not None:
        session.sealed(envelope.request_id, fields["method_name"], envelope.content["ingress_expiry"])
    return envelope, body


def _submit(session: Session, envelope: Envelope, body: bytes, target: Principal) -> Flow[bytes | None]:
    """Send a call until the network has certainly received it.

    Returns the certificate in the response; None while there is none yet.
    """
    attempts = Attempts(session.retry)
    while True:
        wished = None
        try:
            response = yield from exchange(session, "call", canister_path(target), body)
            broken = None if response.status < 300 else retryable(response)
            if broken is None:
                answer = messages.read_call_answer(response)
                return None if isinstance(answer, Pending) else answer
            failure: TransportError | HttpStatusError = broken
            wished = retry_after_s(response, session.now())
        except TransportError as problem:  # also an answer that is cut off, or the page of a proxy
            failure = problem
        yield from pause_or_raise(attempts, failure, wished)
        if session.now() > envelope.content["ingress_expiry"]:
            raise failure
        if (yield from _arrived(session, envelope, target, failure)):
            return None


def _arrived(
    session: Session, envelope: Envelope, target: Principal, failure: TransportError | HttpStatusError
) -> Flow[bool]:
    """Whether a call whose exchange failed has arrived; read before 1.8 MB are sent once more."""
    if isinstance(failure, HttpStatusError) and failure.status not in BROKEN:
        return False
    try:
        certificate = yield from _read_status(session, envelope, target, NO_RETRIES)
    except (TransportError, HttpStatusError):
        # The network is still broken: sending the same bytes again is harmless.
        return False
    status_path = (b"request_status", envelope.request_id, b"status")
    return certificate.lookup_value(status_path) is not None


def _read_status(
    session: Session, envelope: Envelope, target: Principal, policy: RetryPolicy | None = None
) -> Flow[Certificate]:
    return (yield from read_state(session, [(b"request_status", envelope.request_id)], target, policy))


def _poll(session: Session, envelope: Envelope, target: Principal) -> Flow[bytes]:
    """Poll the status of a call with growing delays, until it has ended or can no longer end."""
    waited, pause = 0.0, FIRST_POLL_S
    while True:
        certificate = yield from _read_status(session, envelope, target)
        outcome = messages.verdict(certificate, envelope.request_id)
        if isinstance(outcome, Reply):
            return outcome.arg
        _check_patience(certificate, envelope, outcome, waited)
        yield from Pause(pause)
        waited += pause
        pause = min(pause * POLL_FACTOR, LONGEST_POLL_S)


def _check_patience(
    certificate: Certificate, envelope: Envelope, outcome: Pending | UnknownRequest, waited: float
) -> None:
    expiry = envelope.content["ingress_expiry"]
    if isinstance(outcome, UnknownRequest) and certificate.time_ns > expiry:
        raise CallTimeoutError("the request expired before the network took it up: it will never run")
    if waited > PATIENCE_S or certificate.time_ns > expiry + MINUTE:
        raise CallTimeoutError(
            f"no verdict after {waited:.0f} s; the call may still run "
            f"(request id {envelope.request_id.hex()})"
        )


def query(
    session: Session, canister_id: Principal, method: str, arg: bytes, target: Principal | None = None
) -> Flow[bytes]:
    """Make a query call; the reply is verified by the signature of a node of the canister's subnet.

    Raises `RejectError` and the other `CallError`s, `CborError`, `CertificateError`.
    """
    effective = effective_id(canister_id, target)
    fields = call_fields(canister_id, method, arg)
    with error_context(method, canister_id):
        return (yield from with_synced_clock(session, effective, lambda: _query(session, fields, effective)))


def _query(session: Session, fields: dict[str, Any], target: Principal) -> Flow[bytes]:
    envelope = seal(content(session, session.now(), request_type="query", **fields), session.identity)
    body = envelope.to_cbor()
    answer = yield from retrying(
        session,
        lambda: exchange(session, "query", canister_path(target), body),
        messages.read_query_answer,
        session.retry,
    )
    if session.verify_queries:
        yield from verify_query(session, answer, envelope, target)
    return messages.query_reply(answer)
