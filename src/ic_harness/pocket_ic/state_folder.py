"""The folder that keeps the state of an instance: that of its replica, and two files for people and tools.

These are `topology.json` and `registry.proto`.

The layout is this server's own: a folder of PocketIC's server cannot be read, and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.files import write_atomically
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.registry_file import REGISTRY, registry_file
from ic_harness.replica import Subnet

TOPOLOGY: Final = "topology.json"
REPLICA: Final = "ic-harness"
_WRITTEN_BY: Final = "ic-harness"


class StateFolder:
    """A state folder; makes it where there is none. Raises `ApiError` for one that cannot be used."""

    def __init__(self, path: Path) -> None:
        self._topology = path / TOPOLOGY
        self._registry = path / REGISTRY
        self.replica_dir = path / REPLICA
        try:
            path.mkdir(parents=True, exist_ok=True)
            self.is_new = not self.replica_dir.exists()
            foreign = self.is_new and any(path.iterdir())
        except OSError as problem:
            raise ApiError(f"The state folder {path} cannot be used: {problem.strerror}") from None
        if foreign:
            raise ApiError(
                f"The state folder {path} is not empty and was not written by this server: states of PocketIC's own "
                "server cannot be read"
            )

    def save(self, topology: dict[str, Any], subnets: Sequence[Subnet]) -> None:
        """Write topology and registry, which are only read by others: the replica's own files decide."""
        text = json.dumps({"written_by": _WRITTEN_BY, **topology}, indent=1)
        write_atomically(self._topology, [text.encode()])
        write_atomically(self._registry, [registry_file(subnets)])
