"""Requests and answers of the HTTP interface as values, and how failures become HTTP statuses.

Interface specification, "HTTPS interface". Answers are CBOR with the self-describing tag, errors plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import cbor
from ic_harness.replica.state.replicated_state import Rejected

NO_BODY: Final = frozenset({204, 304})
"""Statuses of answers without a body (RFC 9110, sections 15.3.5 and 15.4.5)."""

CBOR: Final = {"content-type": "application/cbor"}
TEXT: Final = {"content-type": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; header names in lower case, `path` without the query string, which is in `query`.

    `client` is the address that a request over HTTP came from.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: str = ""
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One answer. `repeated` are headers whose names come more than once, in their order, such as `set-cookie`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    repeated: tuple[tuple[str, str], ...] = ()


class HttpProblem(Exception):  # noqa: N818 — an answer, not an error of this program
    """The request is refused with an HTTP status and one sentence; it never reached a canister."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


def cbor_response(value: Any) -> HttpResponse:
    """Answer 200 with a CBOR map."""
    return HttpResponse(status=200, headers=CBOR, body=cbor.encode(value))


def accepted() -> HttpResponse:
    """Answer 202 without a body."""
    return HttpResponse(status=202)


def error_response(status: int, text: str) -> HttpResponse:
    """Answer with an error text."""
    return HttpResponse(status=status, headers=TEXT, body=text.encode(errors="replace"))


def reject_fields(rejected: Rejected) -> dict[str, Any]:
    """The three fields that tell of a reject outside certificates."""
    return {
        "reject_code": rejected.code,
        "reject_message": rejected.message,
        "error_code": rejected.error_name,
    }
