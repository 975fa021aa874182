"""What a network can do beyond answering calls, so that tests ask for an ability and never for a name."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ic_harness.errors import NetworkError


class Capability(StrEnum):
    """One thing that some networks can do and others cannot."""

    CREATE = "create"
    UPGRADE = "upgrade"
    TIME = "time"
    ROUND = "round"
    SNAPSHOT = "snapshot"
    LOGS = "logs"
    LINES = "lines"
    METER = "meter"
    FAULTS = "faults"
    OUTCALLS = "outcalls"
    STABLE = "stable"


MEANINGS: Final[Mapping[Capability, str]] = {
    Capability.CREATE: "make canisters without paying cycles",
    Capability.UPGRADE: "install and upgrade canisters",
    Capability.TIME: "set and advance the time",
    Capability.ROUND: "put several messages into one round",
    Capability.SNAPSHOT: "snapshot and restore everything at once",
    Capability.LOGS: "read what canisters print",
    Capability.LINES: "follow what all canisters print, in queries and traps too",
    Capability.METER: "tell how many instructions a canister used",
    Capability.FAULTS: "lose, repeat and delay messages",
    Capability.OUTCALLS: "answer HTTPS outcalls of canisters as a test says",
    Capability.STABLE: "read canisters' stable memory",
}
"""What each capability lets a test do, to complete the sentence "the network can …"."""


class MissingCapabilityError(NetworkError):
    """A network was asked for something that it cannot do; `capability` tells what."""

    def __init__(self, network: str, capability: Capability) -> None:
        self.capability = capability
        super().__init__(
            f"the network {network} cannot {MEANINGS[capability]} (capability {capability.value}); "
            f"the embedded network can: --network embedded"
        )
