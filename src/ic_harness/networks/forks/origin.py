"""Where a fork comes from: the canister's settings, balance and module when it was forked.

Kept in `origin.json` (`origin.sealed` in an encrypted fork), beside the files of the snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Self

from ic_harness.agent import Management
from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks.network import Network
from ic_harness.principal import Principal
from ic_harness.text import one_line, parse_json

_NUMBERS: Final = (
    "compute_allocation",
    "memory_allocation",
    "freezing_threshold",
    "reserved_cycles_limit",
    "wasm_memory_limit",
    "wasm_memory_threshold",
)
"""Settings that a fork takes over, besides its controllers and environment variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The canister that was forked.

    `network` is its name or URL, `module_hash` the certified SHA-256 of its module, `cycles` its balance, `settings`
    the numbers of its settings as the management canister names them, `environment` its environment variables.
    """

    network: str
    canister: Principal
    module_hash: bytes
    controllers: tuple[Principal, ...]
    cycles: int
    settings: Mapping[str, int]
    environment: Mapping[str, str]

    @classmethod
    def read(cls, network: Network, management: Management, canister: Principal) -> Self:
        """Ask the network. Raises `InputError` for a canister without code, `RejectError` where the caller may not."""
        installed = network.module_hash(canister)
        if installed is None:
            raise InputError(
                f"canister {canister} on {network.name} has no code, so there is no state to fork"
            )
        status = management.canister_status(canister)
        settings: Mapping[str, Any] = status["settings"]
        variables = settings.get("environment_variables") or []
        return cls(
            network=network.name,
            canister=canister,
            module_hash=installed,
            controllers=tuple(settings["controllers"]),
            cycles=int(status["cycles"]),
            settings={name: int(settings[name]) for name in _NUMBERS if settings.get(name) is not None},
            environment={str(one["name"]): str(one["value"]) for one in variables},
        )

    def to_text(self) -> str:
        """Return the origin as JSON."""
        values = {
            "network": self.network,
            "canister_id": str(self.canister),
            "module_hash": self.module_hash.hex(),
            "controllers": [str(one) for one in self.controllers],
            "cycles": str(self.cycles),
            "settings": {name: str(value) for name, value in self.settings.items()},
            "environment": dict(self.environment),
        }
        return json.dumps(values, indent=2)

    @classmethod
    def from_text(cls, text: str, where: str) -> Self:
        """Read what `to_text` returned; `where` names the file. Raises `InputError` when it is damaged."""
        try:
            found = parse_json(text)
            return cls(
                network=str(found["network"]),
                canister=Principal.from_text(found["canister_id"]),
                module_hash=bytes.fromhex(found["module_hash"]),
                controllers=tuple(Principal.from_text(one) for one in found["controllers"]),
                cycles=int(found["cycles"]),
                settings={
                    name: int(found["settings"][name]) for name in _NUMBERS if name in found["settings"]
                },
                environment={str(name): str(value) for name, value in found["environment"].items()},
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{where} is damaged: {one_line(repr(error), 200)}") from error
