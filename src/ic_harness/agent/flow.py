"""The agent's conversations, without I/O: call, poll, verify.

A *flow* is a generator. It yields `Send(request)` and is sent the `Response` (or has a `TransportError`
thrown into it), it yields `Pause(seconds)` and is resumed afterwards, and it returns the result. The two
drivers in `drive` run any flow, synchronously or not; tests run them by hand.

    call:   send v4 ──404──▶ v3 ──404──▶ v2
              │ 200 with certificate ─▶ verify ─▶ reply, reject, or not finished ─┐
              │ 200 with reject ─▶ RejectError, uncertified                       │
              │ 202 ──────────────────────────────────────────────────────────▶ poll read_state until the
              │ broken ─▶ is the request known? ─ yes ────────────────────────▶   request has expired
              └─◀──────── pause, the same bytes ─ no
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from ic_harness.agent import answers
from ic_harness.agent.answers import Pending, Reply, Unseen
from ic_harness.agent.retry import (
    BROKEN,
    NO_RETRIES,
    Attempts,
    RetryPolicy,
    retry_after_s,
    retryable,
    status_error,
)
from ic_harness.agent.session import INGRESS_TTL, Session, Subnet
from ic_harness.agent.transport import Request, Response
from ic_harness.errors import (
    CallError,
    CallTimeoutError,
    CertificateError,
    HttpStatusError,
    InputError,
    ProtocolError,
    TransportError,
)
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    Envelope,
    bls,
    list_children,
    seal,
    verify_query_signatures,
)
from ic_harness.units import MINUTE

VERSIONS: Final = {"call": ("v4", "v3", "v2"), "query": ("v3", "v2"), "read_state": ("v3", "v2")}
"""API versions for each kind of request, the best first; a network that lacks one answers 404."""

FIRST_POLL_S: Final = 0.05
POLL_FACTOR: Final = 1.5
LONGEST_POLL_S: Final = 1.0
PATIENCE_S: Final = (INGRESS_TTL + MINUTE) / 1e9
"""How long polling may take in all, whatever clocks say."""


@dataclass(frozen=True, slots=True)
class Send:
    """Exchange a request."""

    request: Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


T = TypeVar("T")
Flow: TypeAlias = Generator[Send | Pause, Any, T]
"""A conversation with the result `T`."""


@contextmanager
def _about(method: str, canister_id: Principal) -> Generator[None]:
    """Let errors say which call they are about."""
    try:
        yield
    except CallError as error:
        if error.method is None:
            error.method, error.canister = method, str(canister_id)
        raise
    except ProtocolError as error:
        error.add_note(f"in the answer to {method} on {canister_id}")
        raise


def _effective(canister_id: Principal, target: Principal | None) -> Principal:
    """The canister that decides where a request goes (interface specification, "Effective canister id")."""
    if target is None and canister_id == Principal.management():
        raise InputError("calls to the management canister need the effective canister id they are about")
    return canister_id if target is None else target


# -- one exchange
# -----------------------------------------------------------------------------------------------


def _exchange(session: Session, kind: str, where: str, body: bytes) -> Flow[Response]:
    """Send a body to the best API version that the network has; `where` is such as `canister/<id>`."""
    versions = VERSIONS[kind]
    known = session.versions.get(kind, 0)
    for index in range(known, len(versions)):
        path = f"/api/{versions[index]}/{where}/{kind}"
        response: Response = yield Send(Request("POST", path, body))
        if response.status != 404:
            if response.status < 300:
                session.versions[kind] = index
            return response
    return response


def _patiently(session: Session, kind: str, where: str, body: bytes, policy: RetryPolicy) -> Flow[Response]:
    """Send something that may be repeated freely until there is an answer that is worth reading."""
    attempts = Attempts(policy)
    while True:
        wished = None
        try:
            response = yield from _exchange(session, kind, where, body)
        except TransportError as problem:
            failure: TransportError | HttpStatusError = problem
        else:
            broken = retryable(response)
            if broken is None:
                return response
            failure = broken
            wished = retry_after_s(response, session.clock())
        yield from _pause_or_raise(attempts, failure, wished)


def _pause_or_raise(
    attempts: Attempts, failure: TransportError | HttpStatusError, wished_s: float | None
) -> Flow[None]:
    delay = attempts.next_delay(failure, wished_s)
    if delay is None:
        raise failure
    yield Pause(delay)


def status(session: Session) -> Flow[dict[str, Any]]:
    """Read `/api/v2/status`. Raises a `CallError`."""
    attempts = Attempts(session.retry)
    while True:
        wished = None
        try:
            response: Response = yield Send(Request("GET", "/api/v2/status"))
        except TransportError as problem:
            failure: TransportError | HttpStatusError = problem
        else:
            if response.status == 200:
                return answers.read_map(response)
            failure = status_error(response)
            if retryable(response) is None:
                raise failure
            wished = retry_after_s(response, session.clock())
        yield from _pause_or_raise(attempts, failure, wished)


def root_key(session: Session) -> Flow[bytes]:
    """The pinned root key, fetched at the first use when none was given. Raises `CertificateError`."""
    if session.root_key is not None:
        return session.root_key
    key = (yield from status(session)).get("root_key")
    if not isinstance(key, bytes):
        raise CertificateError("the network does not tell its root key; give it to the agent")
    bls.der_decode(key)
    return session.pin(key)


# -- read_state
# -------------------------------------------------------------------------------------------------


def _content(session: Session, **fields: Any) -> dict[str, Any]:
    return {
        **fields,
        "sender": session.identity.principal.raw,
        "ingress_expiry": session.clock() + INGRESS_TTL,
        "nonce": session.nonce(),
    }


def read_state(
    session: Session,
    paths: Sequence[Sequence[bytes]],
    target: Principal,
    policy: RetryPolicy | None = None,
) -> Flow[Certificate]:
    """Read paths of the state tree; the certificate is verified for the effective canister id `target`.

    Raises a `CallError`, `CborError` or `CertificateError`.
    """
    with _about("read_state", target):
        key = yield from root_key(session)
        certificate = yield from _ask_state(session, paths, f"canister/{target}", policy or session.retry)
        certificate.verify(key, canister_id=target, now_ns=session.clock())
        return certificate


def read_subnet_state(
    session: Session, paths: Sequence[Sequence[bytes]], subnet_id: Principal
) -> Flow[Certificate]:
    """Read paths of a subnet's own state, such as its metrics; the certificate is verified to be its own.

    Raises as `read_state` does.
    """
    with _about("read_state", subnet_id):
        key = yield from root_key(session)
        certificate = yield from _ask_state(session, paths, f"subnet/{subnet_id}", session.retry)
        certificate.verify(key, canister_id=None, now_ns=session.clock())
        if certificate.subnet_id(key) != subnet_id.raw:
            signer = Principal(certificate.subnet_id(key))
            raise CertificateError(f"asked subnet {subnet_id}, but subnet {signer} signed the answer")
        return certificate


def _ask_state(
    session: Session, paths: Sequence[Sequence[bytes]], where: str, policy: RetryPolicy
) -> Flow[Certificate]:
    """Fetch a certificate that nobody has verified yet."""
    content = _content(session, request_type="read_state", paths=[list(path) for path in paths])
    body = seal(content, session.identity).to_cbor()
    response = yield from _patiently(session, "read_state", where, body, policy)
    return answers.read_certificate(response)


def read_metadata(session: Session, canister_id: Principal, name: str) -> Flow[bytes | None]:
    """Read a metadata section of a canister, None when it is proven absent."""
    path = (b"canister", canister_id.raw, b"metadata", name.encode())
    certificate = yield from read_state(session, [path], canister_id)
    return certificate.lookup_value(path)


# -- update
# -----------------------------------------------------------------------------------------------------


def update(
    session: Session, canister_id: Principal, method: str, arg: bytes, target: Principal | None = None
) -> Flow[bytes]:
    """Call a method so that its effects are kept; the reply is proven by a certificate.

    `target` is the effective canister id, by default the canister itself. Raises `RejectError`,
    `CallTimeoutError` and the other `CallError`s, `CborError`, `CertificateError`.
    """
    effective = _effective(canister_id, target)
    with _about(method, canister_id):
        yield from root_key(session)
        fields = {"canister_id": canister_id.raw, "method_name": method, "arg": arg}
        envelope = seal(_content(session, request_type="call", **fields), session.identity)
        certificate = yield from _submit(session, envelope, effective)
        if certificate is not None:
            outcome = _judge(session, Certificate.from_cbor(certificate), envelope, effective)
            if isinstance(outcome, Reply):
                return outcome.arg
        return (yield from _poll(session, envelope, effective))


def _submit(session: Session, envelope: Envelope, target: Principal) -> Flow[bytes | None]:
    """Send a call until it was surely received.

    Give the certificate of the answer, None when there is none yet.
    """
    body = envelope.to_cbor()
    attempts = Attempts(session.retry)
    while True:
        wished = None
        try:
            response = yield from _exchange(session, "call", f"canister/{target}", body)
        except TransportError as problem:
            failure: TransportError | HttpStatusError = problem
        else:
            broken = retryable(response)
            if broken is None:
                answer = answers.read_call_answer(response)
                return None if isinstance(answer, Pending) else answer
            failure = broken
            wished = retry_after_s(response, session.clock())
        yield from _pause_or_raise(attempts, failure, wished)
        if session.clock() > envelope.content["ingress_expiry"]:
            raise failure
        if (yield from _arrived(session, envelope, target, failure)):
            return None


def _arrived(
    session: Session, envelope: Envelope, target: Principal, failure: TransportError | HttpStatusError
) -> Flow[bool]:
    """Whether a call that broke off has arrived after all; asked before 1.8 MB are sent once more."""
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


def _judge(
    session: Session, certificate: Certificate, envelope: Envelope, target: Principal
) -> Reply | Pending | Unseen:
    if session.root_key is None:
        raise AssertionError("the root key is fetched before a call is sent")
    certificate.verify(session.root_key, canister_id=target, now_ns=session.clock())
    return answers.verdict(certificate, envelope.request_id)


def _poll(session: Session, envelope: Envelope, target: Principal) -> Flow[bytes]:
    """Ask for the status of a call, less and less often, until there is a verdict or there can be none."""
    waited, pause = 0.0, FIRST_POLL_S
    while True:
        certificate = yield from _read_status(session, envelope, target)
        outcome = answers.verdict(certificate, envelope.request_id)
        if isinstance(outcome, Reply):
            return outcome.arg
        _check_patience(certificate, envelope, outcome, waited)
        yield Pause(pause)
        waited += pause
        pause = min(pause * POLL_FACTOR, LONGEST_POLL_S)


def _check_patience(
    certificate: Certificate, envelope: Envelope, outcome: Pending | Unseen, waited: float
) -> None:
    expiry = envelope.content["ingress_expiry"]
    if isinstance(outcome, Unseen) and certificate.time_ns > expiry:
        raise CallTimeoutError("the request expired before the network took it up: it will never run")
    if waited > PATIENCE_S or certificate.time_ns > expiry + MINUTE:
        raise CallTimeoutError(
            f"no verdict after {waited:.0f} s; the call may still run "
            f"(request id {envelope.request_id.hex()})"
        )


# -- query
# ------------------------------------------------------------------------------------------------------


def query(
    session: Session, canister_id: Principal, method: str, arg: bytes, target: Principal | None = None
) -> Flow[bytes]:
    """Ask a query method; the reply is proven by the signature of a node of the canister's subnet.

    Raises `RejectError` and the other `CallError`s, `CborError`, `CertificateError`.
    """
    effective = _effective(canister_id, target)
    with _about(method, canister_id):
        fields = {"canister_id": canister_id.raw, "method_name": method, "arg": arg}
        envelope = seal(_content(session, request_type="query", **fields), session.identity)
        response = yield from _patiently(
            session, "query", f"canister/{effective}", envelope.to_cbor(), session.retry
        )
        answer = answers.read_query_answer(response)
        if session.verify_queries:
            yield from _verify_query(session, answer, envelope, effective)
        return answers.query_reply(answer)


def _verify_query(
    session: Session, answer: dict[str, Any], envelope: Envelope, target: Principal
) -> Flow[None]:
    known = session.subnet_of(target)
    subnet = known or (yield from read_subnet(session, target))
    try:
        verify_query_signatures(answer, envelope.request_id, subnet.node_keys, now_ns=session.clock())
    except CertificateError:
        if known is None:
            raise
        # Perhaps a node joined after the keys were read: look once more before giving up.
        subnet = yield from read_subnet(session, target)
        verify_query_signatures(answer, envelope.request_id, subnet.node_keys, now_ns=session.clock())


def read_subnet(session: Session, target: Principal) -> Flow[Subnet]:
    """Read the keys of the nodes that answer for a canister, proven by a certificate, and remember them."""
    certificate = yield from read_state(session, [(b"subnet",)], target)
    key = yield from root_key(session)
    subnet_id = certificate.subnet_id(key)
    nodes = (b"subnet", subnet_id, b"node")
    keys = {
        node: certificate.lookup_value((*nodes, node, b"public_key"))
        for node in list_children(certificate.tree, nodes)
    }
    subnet = Subnet(
        subnet_id,
        {node: node_key for node, node_key in keys.items() if node_key is not None},
        certificate.ranges_tree,
        session.clock(),
    )
    # With a delegation the range was checked when the certificate was; the root subnet proves its own here.
    if not subnet.holds(target):
        raise CertificateError(f"canister {target} does not belong to the subnet that answers for it")
    session.remember(subnet)
    return subnet
