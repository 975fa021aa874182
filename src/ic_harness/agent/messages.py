"""The messages of an agent: contents of requests, one exchange with the best API version, retries, and responses.

No I/O: what exchanges is a flow. Interface specification, "Request: Call", "Request: Query", "Request: Read state",
"Effective canister id". Whatever a network responds ends as a value, or as an error that says what was wrong with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

from ic_harness.agent.effects import Flow, Pause, Send, T
from ic_harness.agent.retry import Attempts, RetryPolicy, retry_after_s, retryable, status_error
from ic_harness.agent.session import INGRESS_TTL, Session
from ic_harness.agent.transport import Request, Response
from ic_harness.errors import (
    CallError,
    CallTimeoutError,
    CborError,
    CertificateError,
    HttpStatusError,
    InputError,
    ProtocolError,
    RejectError,
    TransportError,
)
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, RequestId, cbor, leb128_decode
from ic_harness.text import brief, one_line

RequestKind: TypeAlias = Literal["call", "query", "read_state"]

VERSIONS: Final[Mapping[RequestKind, tuple[str, ...]]] = {
    "call": ("v4", "v3", "v2"),
    "query": ("v3", "v2"),
    "read_state": ("v3", "v2"),
}
"""API versions for each kind of request, the newest first; a network that lacks one responds with 404."""


@contextmanager
def error_context(method: str, canister_id: Principal) -> Generator[None]:
    """Add method and canister to errors; of nested contexts the outermost, which is the user's call, wins."""
    try:
        yield
    except CallError as error:
        error.method, error.canister = method, str(canister_id)
        raise
    except ProtocolError as error:
        error.__notes__ = [f"in the answer to {method} on {canister_id}"]
        raise


def effective_id(canister_id: Principal, target: Principal | None) -> Principal:
    """The canister id by which a request is routed (interface specification, "Effective canister id")."""
    if target is None and not canister_id.raw:
        raise InputError("calls of the management canister need an effective canister id")
    return canister_id if target is None else target


@functools.lru_cache(maxsize=1024)
def _canister_path(canister_id: bytes) -> str:
    return f"canister/{Principal(canister_id)}"


def canister_path(canister_id: Principal) -> str:
    """The part of the URL for requests to a canister; cached, because agents call few canisters many times."""
    return _canister_path(canister_id.raw)


def call_fields(canister_id: Principal, method: str, arg: bytes) -> dict[str, Any]:
    """The fields that name the call. Raises `InputError` for arguments of other types; nothing is sent then."""
    if not isinstance(arg, bytes | bytearray | memoryview):
        raise InputError(
            f"the argument must be Candid-encoded bytes, got {type(arg).__name__}: see candid.encode"
        )
    if not isinstance(method, str):
        raise InputError(f"the name of a method is a text, got {type(method).__name__}")
    return {"canister_id": canister_id.raw, "method_name": method, "arg": arg}


def content(session: Session, now_ns: int, **fields: Any) -> dict[str, Any]:
    """Complete the content of a request with sender, expiry and nonce; `now_ns` is the network's time."""
    return {
        **fields,
        "sender": session.identity.principal.raw,
        "ingress_expiry": now_ns + INGRESS_TTL,
        "nonce": session.nonce(),
    }


def exchange(session: Session, kind: RequestKind, where: str, body: bytes) -> Flow[Response]:
    """Send a body to the newest API version that the network has; `where` is such as `canister/<id>`."""
    versions = VERSIONS[kind]
    known = session.versions.get(kind, 0)
    for index in range(known, len(versions)):
        path = f"/api/{versions[index]}/{where}/{kind}"
        response = yield from Send(Request("POST", path, body))
        if response.status != 404:
            if response.status < 300:
                session.versions[kind] = index
            return response
    return response


def retrying(
    session: Session, ask: Callable[[], Flow[Response]], read: Callable[[Response], T], policy: RetryPolicy
) -> Flow[T]:
    """Repeat an idempotent request until `read` accepts a response, or the policy ends the attempts.

    A truncated response (`TransportError` of `read`) counts as a lost one. Raises the last failure.
    """
    attempts = Attempts(policy)
    while True:
        wished = None
        try:
            response = yield from ask()
            broken = retryable(response)
            if broken is None:
                return read(response)
            failure: TransportError | HttpStatusError = broken
            wished = retry_after_s(response, session.now())
        except TransportError as problem:
            failure = problem
        yield from pause_or_raise(attempts, failure, wished)


def pause_or_raise(
    attempts: Attempts, failure: TransportError | HttpStatusError, wished_s: float | None
) -> Flow[None]:
    """Wait before the next attempt; raise the failure when the policy allows none."""
    delay = attempts.next_delay(failure, wished_s)
    if delay is None:
        if isinstance(failure, HttpStatusError):
            failure.retry_after_s = wished_s
        raise failure
    yield from Pause(delay)


# -- responses ------------------------------------------------------------


_SHOWN: Final = 120
_REJECTS: Final = ("rejected", "non_replicated_rejection")


@dataclass(frozen=True, slots=True)
class Pending:
    """The request was accepted or is being processed: poll again."""


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """The certificate proves that the network does not know the request, or not yet."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply, normally Candid-encoded."""

    arg: bytes


def read_map(response: Response) -> dict[str, Any]:
    """Decode the body of a successful answer as a CBOR map.

    Raises `TransportError` when it is something else, such as the HTML page of a proxy.
    """
    try:
        value = cbor.decode(response.body)
    except CborError as problem:
        kind = response.headers.get("content-type", "no content type")
        start = response.body[:_SHOWN].decode(errors="replace").strip()
        raise TransportError(f"the answer is not CBOR ({kind}; {problem}): {start!r}") from None
    if not isinstance(value, dict):
        raise TransportError(f"the answer is a CBOR {type(value).__name__} instead of a map")
    return value


def read_call_answer(response: Response) -> bytes | Pending:
    """Read the answer to a call: the bytes of a certificate, or `Pending`.

    Raises `RejectError` (uncertified) when the network refused it, `HttpStatusError` for other statuses.
    """
    if response.status == 202:
        return Pending()
    if response.status != 200:
        raise status_error(response)
    answer = read_map(response)
    certificate = answer.get("certificate")
    if answer.get("status") == "replied" and isinstance(certificate, bytes):
        return certificate
    raise _reject(answer)


def read_certificate(response: Response) -> Certificate:
    """Read the certificate of a read_state answer, not yet verified.

    Raises a `CallError` or `ProtocolError`.
    """
    if response.status != 200:
        raise status_error(response)
    certificate = read_map(response).get("certificate")
    if not isinstance(certificate, bytes):
        raise TransportError("the answer holds no certificate")
    return Certificate.from_cbor(certificate)


def read_query_answer(response: Response) -> dict[str, Any]:
    """Read the answer to a query, or a status, as a map in which nothing is verified yet."""
    if response.status != 200:
        raise status_error(response)
    return read_map(response)


def query_reply(answer: dict[str, Any]) -> bytes:
    """The reply in a verified query answer. Raises `RejectError`, or `TransportError` when it has neither."""
    match answer:
        case {"status": "replied", "reply": {"arg": bytes(arg)}}:
            return arg
        case {"status": "rejected"}:
            raise _reject(answer)
    # The hash that nodes sign is the same for a text and for the bytes of it: the types must be checked here.
    raise TransportError(f"the answer to a query is neither reply nor reject: {brief(answer)}")


def _reject(answer: dict[str, Any]) -> RejectError | TransportError:
    match answer:
        case {"reject_code": int(code), "reject_message": str(message)} if _may_reject(answer, code):
            error_code = answer.get("error_code")
            return RejectError(code, message, error_code if isinstance(error_code, str) else None)
    keys = ", ".join(sorted(one_line(str(key), 40) for key in answer)[:20])
    return TransportError(f"the answer is neither reply nor reject: its keys are {keys}")


def _may_reject(answer: dict[str, Any], code: int) -> bool:
    """Whether status and code are those of a reject; answers to calls of older replicas have no status."""
    return answer.get("status", "rejected") in _REJECTS and not isinstance(code, bool) and 0 < code < 1 << 64


def verdict(certificate: Certificate, request_id: RequestId) -> Reply | Pending | UnknownRequest:
    """The status of a request in a verified certificate.

    Raises `RejectError` (certified), `CallTimeoutError` when the reply was dropped already, and
    `CertificateError` when the certificate lacks the status or contradicts itself.
    """
    base = (b"request_status", request_id)
    status = certificate.lookup_value((*base, b"status"))
    match status:
        case None:
            return UnknownRequest()
        case b"received" | b"processing":
            return Pending()
        case b"replied":
            reply = certificate.lookup_value((*base, b"reply"))
            if reply is None:
                raise CertificateError("the certificate says replied, but holds no reply")
            return Reply(reply)
        case b"rejected":
            raise _certified_reject(certificate, base)
        case b"done":
            raise CallTimeoutError("the call finished, but its reply is no longer kept by the network")
    raise CertificateError(f"the certificate holds an unknown request status: {status[:20]!r}")


def _certified_reject(certificate: Certificate, base: tuple[bytes, ...]) -> RejectError:
    code = certificate.lookup_value((*base, b"reject_code"))
    message = certificate.lookup_value((*base, b"reject_message"))
    error_code = certificate.lookup_value((*base, b"error_code"))
    if code is None or message is None:
        raise CertificateError("the certificate says rejected, but holds no reject code and message")
    try:
        number = leb128_decode(code)
    except ProtocolError as problem:
        raise CertificateError(f"the reject code in the certificate is not a number: {problem}") from None
    return RejectError(
        number,
        message.decode(errors="replace"),
        error_code.decode(errors="replace") if error_code is not None else None,
        certified=True,
    )
