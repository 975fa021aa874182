"""Requests over HTTP as checks make them, by http_request, and their answers."""

from __future__ import annotations

from urllib.parse import quote

from ic_capsule.backend import HttpRequest, HttpResponse
from ic_capsule.suite.context import Caller
from ic_harness.errors import RejectError
from ic_harness.testing.assertions import broken

TTL_S = 180
"""Seconds that checks ask a token to live."""


def get(caller: Caller, url: str, method: str = "GET", **headers: str) -> HttpResponse:
    """Make a request; an underscore in a header's name is a hyphen. A trap is a broken guarantee."""
    request = HttpRequest(
        method=method,
        url=url,
        headers=[(key.replace("_", "-"), value) for key, value in headers.items()],
        body=b"",
    )
    try:
        response: HttpResponse = caller.backend.http_request(request)
    except RejectError as error:
        raise broken(f"{method} {url[:60]} made the canister trap: {error.reject_message}") from error
    return response


def asset_url(memory: str, variant: str, token: str) -> str:
    """Return the address of a variant of a memory, opened by a token."""
    return f"/asset/{memory}/{variant}?token={quote(token, safe='')}"
