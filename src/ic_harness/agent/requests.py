"""Requests: their content, one exchange with the best API version, and retries. No I/O: these are flows.

Interface specification, "Request: Call", "Request: Query", "Request: Read state", "Effective canister id".
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

from ic_harness.agent.effects import Flow, Pause, Send, T
from ic_harness.agent.retry import Attempts, RetryPolicy, retry_after_s, retryable
from ic_harness.agent.session import INGRESS_TTL, Session
from ic_harness.agent.transport import Request, Response
from ic_harness.errors import CallError, HttpStatusError, InputError, ProtocolError, TransportError
from ic_harness.principal import Principal

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
