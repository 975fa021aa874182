"""PocketIC's topology: the canister id that selects the subnet of new canisters.

The JSON of `/_/topology` and of a new instance: `default_effective_canister_id.canister_id`, in base 64
(PocketIC server, changelog of 7.0.0, and `rest.rs` of the crate `pocket-ic`, `Topology`).
"""

from __future__ import annotations

import base64
from typing import Any

from ic_harness.principal import Principal
from ic_harness.text import parse_json


def default_canister_id(body: bytes) -> Principal | None:
    """Read the id from the JSON text of a topology; None for anything else."""
    try:
        return canister_of(parse_json(body))
    except ValueError:
        return None


def canister_of(topology: Any) -> Principal | None:
    """Read the id from a topology; None when it is of another shape."""
    try:
        text = topology["default_effective_canister_id"]["canister_id"]
        return Principal(base64.b64decode(text, validate=True)) if text else None
    except (KeyError, TypeError, ValueError):  # binascii.Error and PrincipalError among them
        return None
