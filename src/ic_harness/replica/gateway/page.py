"""A request for a page and the page, as canisters see them.

HTTP gateway protocol, "Canister HTTP interface".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.http.http_messages import HttpProblem
from ic_harness.text import brief, one_line

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Visible characters, blanks and tabs; beyond ASCII the bytes of UTF-8, which RFC 9110 calls opaque.
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
_STATUSES: Final = range(200, 600)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What a canister is asked for; `url` is path and query string."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The URL without its query string."""
        return self.url.partition("?")[0]

    @property
    def query(self) -> str:
        """The query string, empty when there is none."""
        return self.url.partition("?")[2].partition("#")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a canister answered."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, None when it is missing."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def as_page(answer: Mapping[str, Any]) -> Page:
    """What a canister answered, checked to be something that HTTP can carry. Raises `HttpProblem` 502.

    A canister's own interface may give the record any form, and HTTP knows no status below 100 and no line feed in
    a header; of 1xx only the server itself may speak.
    """
    match answer:
        case {"status_code": int(status), "headers": list(headers), "body": bytes(body)}:
            pass
        case _:
            raise _unusable("expected a record with `status_code`, `headers` and `body`")
    if status not in _STATUSES:
        raise _unusable(f"{brief(status)} is no status that an answer can have (200 to 599)")
    return Page(status=status, headers=tuple(_header(header) for header in headers), body=body)


def _header(header: object) -> tuple[str, str]:
    match header:
        case (str(name), str(value)):
            pass
        case _:
            raise _unusable(f"a header is a pair of texts, not {one_line(brief(header), 80)}")
    if not _NAME.fullmatch(name):
        raise _unusable(f"{one_line(brief(name), 80)} is no name of a header")
    if not _VALUE.fullmatch(value):
        raise _unusable(f"the header {name[:80]} has characters that HTTP forbids")
    return name, value


def _unusable(why: str) -> HttpProblem:
    return HttpProblem(502, f"the canister's answer cannot be used: {why}")
