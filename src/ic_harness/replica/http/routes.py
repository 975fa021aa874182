"""The paths of the HTTP interface as a table, and the one function that answers any request.

Interface specification, "HTTPS interface". An unknown path or version is 404, because clients fall back on
it. Whatever comes in, what goes out is an answer: bad input is an HTTP status, never an exception.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ic_harness.errors import PrincipalError, ReplicaError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.http import call, query, read_state
from ic_harness.replica.http.http_messages import (
    HttpProblem,
    HttpRequest,
    HttpResponse,
    cbor_response,
    error_response,
)
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.round_limit import RoundLimitError
from ic_harness.replica.state.replicated_state import MANAGEMENT

Handler = Callable[[Node, bytes, bytes], HttpResponse]
"""A handler takes the node that the request is for, the id in the URL and the body."""

CORS: Final = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, accept, content-type",
    "access-control-max-age": "600",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: its versions, `canister` or `subnet`, the last part of its path, and its handler."""

    versions: tuple[int, ...]
    place: str
    action: str
    handler: Handler


ROUTES: Final[tuple[Route, ...]] = (
    Route((2,), "canister", "call", lambda n, i, b: call.call(n, i, b, wait=False)),
    Route((3, 4), "canister", "call", lambda n, i, b: call.call(n, i, b, wait=True)),
    Route((4,), "subnet", "call", call.subnet_call),
    Route((2, 3), "canister", "query", query.query),
    Route((3,), "subnet", "query", query.subnet_query),
    Route((2, 3), "canister", "read_state", read_state.read_canister_state),
    Route((2, 3), "subnet", "read_state", read_state.read_subnet_state),
)
"""Every POST endpoint."""

_BY_KEY: Final = {
    (version, route.place, route.action): route for route in ROUTES for version in route.versions
}
_PATH: Final = re.compile(r"/api/v(\d{1,3})/(canister|subnet)/([^/]*)/([a-z_]+)/?")

STOPPED_S: Final = "3600"
"""`Retry-After` of a replica that stopped after a failure, in seconds: waiting does not bring it back."""


def handle(nodes: Nodes, request: HttpRequest) -> HttpResponse:
    """Answer a request. Blocks until the answer is there; may be called from any thread.

    Raises `RoundLimitError` when a test has limited the rounds: clients would repeat a call that failed by HTTP.
    """
    try:
        return _route(nodes, request)
    except HttpProblem as refusal:
        return error_response(refusal.status, refusal.text)
    except RoundLimitError:
        raise
    except ReplicaError as failure:
        answer = error_response(503, str(failure))
        if nodes.root.runner.failure is None:
            return answer
        return replace(answer, headers={**answer.headers, "retry-after": STOPPED_S})


def _route(nodes: Nodes, request: HttpRequest) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=CORS)
    if request.path == "/api/v2/status":
        if request.method not in {"GET", "HEAD"}:
            raise HttpProblem(405, "The status is read by GET")
        return cbor_response(_status(nodes.root))
    match = _PATH.fullmatch(request.path)
    route = _BY_KEY.get((int(match[1]), match[2], match[4])) if match else None
    if route is None or match is None:
        raise HttpProblem(404, f"Nothing is served at {request.path[:200]}")
    if request.method != "POST":
        raise HttpProblem(405, "This endpoint takes POST")
    _check_body(nodes.root, request)
    node, identifier = _target(nodes, match[2], match[3], match[4])
    return route.handler(node, identifier, request.body)


def _check_body(node: Node, request: HttpRequest) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/cbor":
        raise HttpProblem(400, "Unexpected content-type, expected application/cbor.")
    if len(request.body) > node.config.ingress_bytes:
        limit = node.config.ingress_bytes
        raise HttpProblem(413, f"The request body has {len(request.body)} bytes, at most {limit} are allowed")


def _target(nodes: Nodes, place: str, text: str, action: str) -> tuple[Node, bytes]:
    """Return the node that a request is for, and the id in its URL. Raises `HttpProblem` when no subnet has it."""
    try:
        identifier = _raw(text)
    except PrincipalError as refusal:
        raise HttpProblem(400, f"Invalid {place} id in the URL: {refusal}") from None
    # aaaaa-aa is in no range, but older clients create canisters under it (as PocketIC allows): `call` lets only
    # these calls pass.
    if place == "subnet":
        node = nodes.find(identifier)
    else:
        creating = action == "call" and identifier == MANAGEMENT
        node = nodes.default if creating else nodes.host(identifier)
        if node is None:
            raise HttpProblem(400, f"Canister {text} does not belong to any subnet.")
    return node or nodes.root, identifier  # the handlers refuse an unknown subnet


@functools.lru_cache(maxsize=1024)
def _raw(text: str) -> bytes:
    """The bytes of a principal; cached, because clients call few canisters many times. Raises `PrincipalError`."""
    return Principal.from_text(text).raw


def _status(node: Node) -> dict[str, object]:
    return {
        "ic_api_version": "0.18.0",
        "root_key": node.subnet.root_key,
        "impl_version": "ic-harness embedded replica",
        "impl_hash": "",
        "replica_health_status": "healthy" if node.runner.failure is None else "stopped",
        "certified_height": node.state.round,
    }
