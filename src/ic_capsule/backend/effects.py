"""The effects that this room's flows yield: calls of the backend, and reads of its metadata.

Flows and runners are those of the agent (`ic_harness.agent.Effect`); here a client performs each effect by a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ic_harness.agent import Effect

Kind = Literal["update", "query"]


@dataclass(frozen=True, slots=True)
class Call(Effect[bytes]):
    """Call a method with a Candid-encoded argument; the reply is Candid-encoded too."""

    kind: Kind
    method: str
    argument: bytes = b""


@dataclass(frozen=True, slots=True)
class ReadMetadata(Effect[bytes | None]):
    """Read a section of the canister's metadata; the reply is None where it is proven absent."""

    name: str
