"""The topology of the network in the JSON form of PocketIC's REST interface (`GET /_/topology`).

Tools ask for it on a local network to learn the subnets and the id under which canisters are created.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.subnet_kinds import SubnetKind

SUBNET_KIND_NAMES: Final = {
    SubnetKind.NNS: "NNS",
    SubnetKind.SNS: "SNS",
    SubnetKind.II: "II",
    SubnetKind.FIDUCIARY: "Fiduciary",
    SubnetKind.BITCOIN: "Bitcoin",
    SubnetKind.TEST_THRESHOLD_KEYS: "TestThresholdKeys",
    SubnetKind.SYSTEM: "System",
    SubnetKind.APPLICATION: "Application",
    SubnetKind.CLOUD_ENGINE: "CloudEngine",
    SubnetKind.VERIFIED_APPLICATION: "VerifiedApplication",
}
"""PocketIC's names of the kinds."""


def topology(registry: Registry) -> dict[str, Any]:
    """Return the topology of a network, ready for JSON.

    Canister ids are base 64 of their bytes. `default_effective_canister_id` is the first id of the range for new
    canisters of the default subnet, as in PocketIC.
    """
    return {
        "subnet_configs": {str(subnet.principal): _config(subnet) for subnet in registry.subnets},
        "default_effective_canister_id": _canister_id(registry.default.ranges[-1][0]),
    }


def _config(subnet: Subnet) -> dict[str, Any]:
    return {
        "subnet_kind": SUBNET_KIND_NAMES[subnet.kind],
        "cost_schedule": _cost_schedule(subnet),
        "subnet_seed": list(_public_seed(subnet)),
        "instruction_config": "Benchmarking" if subnet.benchmarking else "Production",
        "canister_ranges": [
            {"start": _canister_id(low), "end": _canister_id(high)} for low, high in subnet.ranges
        ],
    }


def _cost_schedule(subnet: Subnet) -> str:
    """Subnets of the system charge nothing by their kind; PocketIC shows the schedule that they do not use."""
    return "Normal" if subnet.rules.type == "system" else subnet.cost_schedule.capitalize()


def _public_seed(subnet: Subnet) -> bytes:
    """PocketIC names state folders by 32 bytes a subnet; keys come from our own seed, so that is not shown."""
    return hashlib.sha256(b"topology" + subnet.id).digest()


def _canister_id(raw: bytes) -> dict[str, str]:
    return {"canister_id": base64.b64encode(raw).decode("ascii")}
