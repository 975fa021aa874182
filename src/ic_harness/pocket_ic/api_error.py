"""The errors of PocketIC's REST interface: an HTTP status and a text in the form of a Rust `Debug` value."""

from __future__ import annotations

import json

from ic_harness.errors import HarnessError


class ApiError(HarnessError):
    """A request that is refused. `status` is the HTTP status, the text becomes `message` of the JSON body."""

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


def bad_ingress(text: str) -> ApiError:
    """A call that cannot be submitted, or was not answered: HTTP 400, `BadIngressMessage("…")`."""
    return ApiError(f"BadIngressMessage({debug(text)})")


def debug(text: str) -> str:
    """A string as Rust's `Debug` writes it: in double quotes, with escapes."""
    return json.dumps(text, ensure_ascii=False)
