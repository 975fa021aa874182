"""The topology of the network in the JSON form of PocketIC's REST interface (`GET /_/topology`).

Tools ask for it on a local network to learn the subnets and the id under which canisters are created.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from ic_harness.replica.state.config import Subnet

KIND: Final = "Application"
"""The kind of the one subnet: `/subnet/<id>/type` in the state tree says the same."""


def topology(subnet: Subnet) -> dict[str, Any]:
    """Return the topology of a network with one subnet, ready for JSON.

    Canister ids are base 64 of their bytes. `default_effective_canister_id` is the first id of the subnet's first
    range, as in PocketIC.
    """
    config = {
        "subnet_kind": KIND,
        "cost_schedule": "Free",  # nothing is charged here
        "subnet_seed": list(_public_seed(subnet)),
        "instruction_config": "Production",
        "canister_ranges": [
            {"start": _canister_id(low), "end": _canister_id(high)} for low, high in subnet.ranges
        ],
    }
    return {
        "subnet_configs": {str(subnet.principal): config},
        "default_effective_canister_id": _canister_id(subnet.ranges[0][0]),
    }


def _public_seed(subnet: Subnet) -> bytes:
    """PocketIC names state folders by 32 bytes a subnet; keys come from our own seed, so that is not shown."""
    return hashlib.sha256(b"topology" + subnet.id).digest()


def _canister_id(raw: bytes) -> dict[str, str]:
    return {"canister_id": base64.b64encode(raw).decode("ascii")}
