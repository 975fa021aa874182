"""The network's time, for machines whose clock is wrong. No I/O: these are flows, see `effects`.

A network refuses requests whose expiry is not within its next five minutes. A refused client measures the
network's time by an anonymous query (whose expiry is not checked) with a fresh nonce. A node timestamps and signs
the response, nonce included, and a certificate of that same time proves the node's key. So the time is the
network's, and it is fresh: a recorded response has another nonce.

Only such a refusal starts this. A response that is too old remains a `CertificateError`: accepting its time would
allow replays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ic_harness.agent import messages
from ic_harness.agent.effects import Flow, T
from ic_harness.agent.messages import call_fields, canister_path, content, exchange
from ic_harness.agent.read_state import verify_query
from ic_harness.agent.session import Session
from ic_harness.errors import (
    CallError,
    CallTimeoutError,
    CertificateError,
    ClockError,
    HttpStatusError,
    ProtocolError,
)
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Envelope, seal
from ic_harness.units import SECOND

_PROBE: Final = "ic_harness_time"
"""A method that no canister has: the reject is timestamped and signed like any response."""

_TEXTS: Final = ("Invalid request expiry", "ingress_expiry not within")
_NOTEWORTHY: Final = 30 * SECOND
"""The replica tolerates differences below this."""


def refused_for_expiry(refusal: HttpStatusError) -> bool:
    """Whether the network refused a request because of its expiry: one of the two clocks is wrong."""
    return refusal.status == 400 and any(text in refusal.body for text in _TEXTS)


def with_synced_clock(session: Session, target: Principal, attempt: Callable[[], Flow[T]]) -> Flow[T]:
    """Run an idempotent attempt; when it is refused for its expiry, synchronize the clock and run it once more."""
    try:
        return (yield from attempt())
    except HttpStatusError as refusal:
        # The expiry of anonymous queries is not checked, and the probe itself is such a request.
        if not refused_for_expiry(refusal) or session.identity.public_key_der is None:
            raise
        yield from sync_clock(session, target, refusal)
    return (yield from attempt())


def sync_clock(session: Session, target: Principal, refusal: HttpStatusError) -> Flow[None]:
    """Set the session's clock offset to the network's time. Raises the refusal when that time cannot be proven."""
    try:
        offset = yield from _measured_offset(session, target)
    except (CallError, ProtocolError):
        raise refusal from None
    session.offset_ns = offset
    session.subnets = ()  # read by the wrong time


def assert_expired(session: Session, envelope: Envelope, made_ns: int, refusal: HttpStatusError) -> None:
    """Check that a refused update had expired before it was made, so that a new one is no second one.

    `made_ns` is this machine's time then. A request made by a clock that is ahead becomes valid later, also as a copy
    that somebody else kept: raises `ClockError`. A request made in time that expired on its way may have run, because
    a copy of it was faster: raises `CallTimeoutError`. Otherwise raises the refusal.
    """
    if envelope.content["ingress_expiry"] < made_ns + session.offset_ns:
        return
    ahead = -session.offset_ns
    if envelope.content["ingress_expiry"] < session.now():
        raise CallTimeoutError(
            "the request expired on its way; call again if it does no harm twice, because a copy may have run"
        ) from refusal
    if ahead < _NOTEWORTHY:
        raise refusal
    raise ClockError(
        f"this machine's clock is {ahead / SECOND:.0f} s ahead of the network's, so the request was refused; "
        f"the agent goes by the network's time from now on: call again"
    ) from refusal


def _measured_offset(session: Session, target: Principal) -> Flow[int]:
    """The network's time minus this machine's, ns. Raises when the network does not prove its time."""
    anonymous = replace(session, identity=AnonymousIdentity())
    fields = call_fields(target, _PROBE, b"")
    envelope = seal(content(anonymous, anonymous.now(), request_type="query", **fields), anonymous.identity)
    body = envelope.to_cbor()
    response = yield from exchange(anonymous, "query", canister_path(target), body)
    offset_at = session.clock()
    answer = messages.read_query_answer(response)
    claimed = _claimed_time(answer)
    # By the claimed time everything must fit: the signature over the nonce, and the age of the key's certificate.
    witness = replace(anonymous, clock=lambda: claimed, offset_ns=0, subnets=())
    yield from verify_query(witness, answer, envelope, target)
    return claimed - offset_at


def _claimed_time(answer: dict[str, Any]) -> int:
    match answer.get("signatures"):
        case [{"timestamp": int(stamp)}, *_]:
            return stamp
    raise CertificateError("the answer to a query carries no node signature")
