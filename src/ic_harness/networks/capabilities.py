"""Capabilities of networks, so that tests depend on a capability and never on the name of a network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ic_harness.errors import NetworkError


class Capability(StrEnum):
    """One thing that some networks can do and others cannot."""

    CREATE = "create"
    UPGRADE = "upgrade"
    TIME = "time"
    SINGLE_ROUND = "single_round"
    SNAPSHOT = "snapshot"
    LOGS = "logs"
    LOG_STREAM = "log_stream"
    METRICS = "metrics"
    FAULTS = "faults"
    OUTCALLS = "outcalls"
    STABLE = "stable"
    IMPERSONATE = "impersonate"
    LIMITS = "limits"
    SUBNETS = "subnets"
    # Aliases of the members above, for one release.
    ROUND = SINGLE_ROUND
    LINES = LOG_STREAM
    METER = METRICS

    @classmethod
    def _missing_(cls, value: object) -> Capability | None:
        """Accept the values of earlier releases, which markers such as `needs("round")` may still contain."""
        renamed = _RENAMED.get(value)
        if renamed is None:
            return None
        warnings.warn(f"the capability {value!r} is now called {renamed!r}", DeprecationWarning, stacklevel=3)
        return cls(renamed)


_RENAMED: Final[Mapping[object, str]] = {
    "round": "single_round",
    "lines": "log_stream",
    "meter": "metrics",
}
"""Former values of capabilities and what replaces them."""


MEANINGS: Final[Mapping[Capability, str]] = {
    Capability.CREATE: "make canisters without paying cycles",
    Capability.UPGRADE: "install and upgrade canisters",
    Capability.TIME: "set and advance the time",
    Capability.SINGLE_ROUND: "put several messages into one round",
    Capability.SNAPSHOT: "snapshot and restore everything at once",
    Capability.LOGS: "read what canisters print",
    Capability.LOG_STREAM: "follow what all canisters print, in queries and traps too",
    Capability.METRICS: "report how many instructions a canister executed",
    Capability.FAULTS: "lose, repeat and delay messages",
    Capability.OUTCALLS: "answer HTTPS outcalls of canisters as a test says",
    Capability.STABLE: "read and replace canisters' stable memory",
    Capability.IMPERSONATE: "call as a principal without its key",
    Capability.LIMITS: "limit the instructions of messages and the number of rounds",
    Capability.SUBNETS: "list and add subnets, and create canisters on the one that a test names",
}
"""What each capability lets a test do, to complete the sentence "the network can …"."""


class MissingCapabilityError(NetworkError):
    """A network lacks the capability `capability`."""

    def __init__(self, network: str, capability: Capability) -> None:
        self.capability = capability
        super().__init__(
            f"the network {network} cannot {MEANINGS[capability]} (capability {capability.value}); "
            f"the embedded network can: --network embedded"
        )
