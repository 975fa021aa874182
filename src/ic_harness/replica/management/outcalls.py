"""HTTPS outcalls: what a canister may ask for, and what it pays.

Interface specification, "Method http_request". The answer comes in a later round, see `outcall_answers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ic_harness.principal import Principal
from ic_harness.replica.execution import outcall_price
from ic_harness.replica.execution.effects import Answered
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import PENDING, Call, Later, Refused
from ic_harness.replica.rounds.outcall_answers import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_HEADERS_BYTES,
    MAX_RESPONSE_BYTES,
    rejected,
    url_problem,
)
from ic_harness.replica.state.config import OUTCALL_TIMEOUT
from ic_harness.replica.state.replicated_state import Outcall

MAX_URL: Final = 8192
MAX_REQUEST_BYTES: Final = 2_000_000
"""Bytes of a request: names and values of its headers, and its body."""


def http_request(call: Call) -> Later:
    """Begin an outcall: checks and payment now, the answer in a later round."""
    argument = call.argument
    for problem in _problems(argument):
        raise Refused(refusals.rejected(problem))
    _check_transform(argument["transform"], call.caller)
    limit = argument["max_response_bytes"]
    limit = MAX_RESPONSE_BYTES if limit is None else limit
    call.pay(outcall_price(_request_bytes(argument), limit, call.state.subnet.nodes))
    transform = argument["transform"]
    state = call.state
    state.world.next_outcall += 1
    outcall = Outcall(
        number=state.world.next_outcall,
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
    )
    refusal = url_problem(outcall.url)
    if refusal is not None:
        state.leaving.append(Answered(outcall.origin, rejected(refusal), outcall.cycles))
        return PENDING
    state.world.outcalls[outcall.number] = state.changes.outcalls[outcall.number] = outcall
    state.begin_outcall(outcall)
    return PENDING


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
        raise Refused(
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
