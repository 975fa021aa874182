"""Requests below `/api/` that an instance looks at before its replica gets them.

Refusals have the form of PocketIC's server, which clients compare: `error: <name>`, a newline, `details: <sentence>`.
"""

from __future__ import annotations

import re
from typing import Final

from ic_harness.errors import PrincipalError
from ic_harness.pocket_ic.subnets import Subnets
from ic_harness.principal import Principal
from ic_harness.replica import HttpRequest, HttpResponse
from ic_harness.units import MIB

MAX_BODY: Final = 4 * MIB
"""Bytes of a request below `/api/`."""
_PATH: Final = re.compile(r"/api/v\d/(canister|subnet)/([a-z0-9-]{1,63})/([a-z_]+)/?")
_CREATE: Final = b"provisional_create_canister_with_cycles"
_MANAGEMENT: Final = b""


def id_to_create(request: HttpRequest) -> bytes | None:
    """Return the canister id in the URL of a call that creates a canister; None for every other request.

    The body is not decoded: the replica does, and answers what is wrong with it.
    """
    match = _PATH.fullmatch(request.path)
    if match is None or match[1] != "canister" or match[3] != "call" or _CREATE not in request.body:
        return None
    return _raw(match[2])


def refusal(request: HttpRequest, subnets: Subnets) -> HttpResponse | None:
    """Return the answer to a request that no subnet can take; None for every other one."""
    if len(request.body) > MAX_BODY:
        return _error(
            413, "payload_too_large", f"Payload is too large: maximum body size is {MAX_BODY} bytes."
        )
    match = _PATH.fullmatch(request.path)
    raw = None if match is None else _raw(match[2])
    if match is None or raw is None or raw == _MANAGEMENT:
        return None
    if match[1] == "subnet":
        known = subnets.find(raw) is not None
        return None if known else _error(400, "subnet_not_found", "The specified subnet cannot be found.")
    known = subnets.of_canister(raw) is not None
    return None if known else _error(400, "canister_not_found", "The specified canister does not exist.")


def _raw(text: str) -> bytes | None:
    try:
        return Principal.from_text(text).raw
    except PrincipalError:
        return None


def _error(status: int, name: str, details: str) -> HttpResponse:
    body = f"error: {name}\ndetails: {details}"
    return HttpResponse(
        status=status, headers={"content-type": "text/plain; charset=utf-8"}, body=body.encode()
    )
