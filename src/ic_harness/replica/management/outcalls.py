"""HTTPS outcalls: what a canister may ask for, and what it pays.

Interface specification, "Method http_request", "Method flexible_http_request". The answer comes in a later round, see
`rounds/outcall_answers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from ic_harness.principal import Principal
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import DEFERRED, Call, Deferred, ManagementReject
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_HEADERS_BYTES,
    MAX_RESPONSE_BYTES,
    OUTCALL_TIMEOUT,
)
from ic_harness.replica.state.output_queue import ResponseOut
from ic_harness.replica.state.rejects import SYS_FATAL
from ic_harness.replica.state.replicated_state import Outcall

MAX_URL: Final = 8192
MAX_REQUEST_BYTES: Final = 2_000_000
"""Bytes of a request: names and values of its headers, and its body."""


def http_request(call: Call) -> Deferred:
    """Begin an outcall: checks and payment now, the answer in a later round."""
    _check(call)
    return _begin(call, call.view.subnet.nodes, replicated=call.argument["is_replicated"] is not False)


def flexible_http_request(call: Call) -> Deferred:
    """Begin an outcall whose nodes need not agree: the canister gets the response of each."""
    _check(call)
    nodes = call.view.subnet.nodes
    counts = call.argument["replication"] or {
        "total_requests": nodes,
        "min_responses": 2 * nodes // 3 + 1,
        "max_responses": nodes,
    }
    total, least, most = (counts[name] for name in ("total_requests", "min_responses", "max_responses"))
    if not (1 <= total <= nodes and least <= most <= total and most >= 1):
        raise ManagementReject(
            refusals.rejected(
                f"Invalid replication counts: total_requests {total}, min_responses {least}, max_responses {most}; "
                f"min_responses <= max_responses <= total_requests <= {nodes} is expected"
            )
        )
    return _begin(call, total, nodes=total, min_responses=least, max_responses=most)


def _check(call: Call) -> None:
    """Raise `ManagementReject` for a request that the network would not make."""
    for problem in _problems(call.argument):
        raise ManagementReject(refusals.rejected(problem))
    _check_transform(call.argument["transform"], call.caller)


def _begin(call: Call, paid_nodes: int, **replication: Any) -> Deferred:
    argument = call.argument
    limit = argument["max_response_bytes"]
    limit = MAX_RESPONSE_BYTES if limit is None else limit
    _pay(call, call.view.subnet.fees.http_request(_request_bytes(argument), limit, paid_nodes))
    transform = argument["transform"]
    view = call.view
    view.state.next_outcall += 1
    outcall = Outcall(
        number=view.state.next_outcall,
        origin=call.request.origin,
        canister=call.caller,
        url=argument["url"],
        method=next(iter(argument["method"])).upper(),
        headers=tuple((header["name"], header["value"]) for header in argument["headers"]),
        body=argument["body"] or b"",
        max_response_bytes=limit,
        transform=None if transform is None else transform["function"].method,
        context=b"" if transform is None else transform["context"],
        cycles=call.cycles,
        deadline_ns=call.now_ns + OUTCALL_TIMEOUT,
        **replication,
    )
    wrong_url = url_problem(outcall.url) if view.subnet.check_outcall_urls else None
    if wrong_url is None:
        call.effects.outcalls.append(outcall)
    else:
        answer = rejects.no_response(SYS_FATAL, wrong_url)
        call.effects.outputs.append(ResponseOut(outcall.origin, answer, outcall.cycles))
    return DEFERRED


def _pay(call: Call, fee: int) -> None:
    call.pay(fee)
    caller = call.view.state.canisters.get(call.caller)
    if caller is not None:  # a canister of this subnet
        caller.outcall_cycles += fee
        call.changed(caller)


def url_problem(url: str) -> str | None:
    """Return why no node would ask for a URL, None when it is well-formed and uses https."""
    try:
        url.encode("ascii")
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"Failed to parse URL: {url[:200]!r} is not a URL of ASCII characters"
    if parts.scheme.lower() != "https":
        return "Url need to specify https scheme"
    if not parts.hostname or port == 0 or any(character <= " " or character == "\x7f" for character in url):
        return f"Failed to parse URL: {url[:200]!r} has no host or invalid characters"
    return None


def _problems(argument: Any) -> Iterator[str]:
    """Why the network would not make the request."""
    limit = argument["max_response_bytes"]
    if limit is not None and limit > MAX_RESPONSE_BYTES:
        yield f"max_response_bytes expected to be in the range [0..{MAX_RESPONSE_BYTES}], got {limit}"
    url_bytes = len(argument["url"].encode())
    if url_bytes > MAX_URL:
        yield f"url size {url_bytes} exceeds {MAX_URL}"
    headers = argument["headers"]
    if len(headers) > MAX_HEADERS:
        yield f"number of headers {len(headers)} exceeds {MAX_HEADERS}"
    for header in headers:
        for what in ("name", "value"):
            size = len(header[what].encode())
            if size > MAX_HEADER_BYTES:
                yield f"number of bytes to represent some http header {what} {size} exceeds {MAX_HEADER_BYTES}"
    total = _headers_bytes(headers)
    if total > MAX_HEADERS_BYTES:
        yield f"total number of bytes to represent all http headers {total} exceeds {MAX_HEADERS_BYTES}"
    size = total + len(argument["body"] or b"")
    if size > MAX_REQUEST_BYTES:
        yield (
            f"total number of bytes to represent all http header names and values and http body {size} exceeds "
            f"{MAX_REQUEST_BYTES}"
        )


def _check_transform(transform: Any, caller: bytes) -> None:
    if transform is not None and transform["function"].principal.raw != caller:
        raise ManagementReject(
            refusals.rejected(
                "transform needs to be exported by a requester canister. Expected principal id "
                f"{Principal(caller)}, got {transform['function'].principal}"
            )
        )


def _request_bytes(argument: Any) -> int:
    """The size that is paid for."""
    transform = argument["transform"]
    size = len(argument["url"].encode()) + _headers_bytes(argument["headers"]) + len(argument["body"] or b"")
    if transform is not None:
        size += len(transform["function"].method.encode()) + len(transform["context"])
    return size


def _headers_bytes(headers: Any) -> int:
    return sum(len(header["name"].encode()) + len(header["value"].encode()) for header in headers)
