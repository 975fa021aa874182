"""A request for a page and the page, as canisters see them.

HTTP gateway protocol, "Canister HTTP interface".
"""

from __future__ import annotations

from dataclasses import dataclass

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
