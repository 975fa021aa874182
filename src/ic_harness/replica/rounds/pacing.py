"""How quickly rounds follow each other that no caller waits for, and how many heartbeats a round has."""

from __future__ import annotations

import math
from typing import Final

from ic_harness.replica.state.clock import monotonic_s

UNATTENDED: Final = 20
"""Rounds in a row that may follow each other at once although no caller waits: a chain of timers is quick."""

PAUSE_S: Final = 0.1
"""Seconds between rounds after that, so that canisters with endless work leave processor and disk alone."""


HEARTBEATS_S: Final = 0.03
"""Seconds that the heartbeats of one round may take, about: hundreds of canisters do not starve callers."""

HEARTBEAT_S: Final = 0.005
"""Seconds of a round that count as those of one heartbeat, at most: the rest was the work of calls."""


class Pacing:
    """Counts rounds in a row that no caller waited for.

    `unattended` is their number; set it to 0 when a caller waited, and when canisters have come to rest.
    """

    def __init__(self) -> None:
        self.unattended = 0
        self._next_s = 0.0
        self._began_s = self._heartbeat_s = 0.0

    def ran(self) -> None:
        """Note that a round ran that no caller waited for."""
        self.unattended += 1
        if self.unattended >= UNATTENDED:
            self._next_s = monotonic_s() + PAUSE_S

    def rest_s(self) -> float:
        """Seconds until the next round that no caller waits for."""
        return 0.0 if self.unattended < UNATTENDED else max(0.0, self._next_s - monotonic_s())

    def begins(self) -> None:
        """Note that a round begins."""
        self._began_s = monotonic_s()

    def ended(self, heartbeats: int) -> None:
        """Note that the round has ended, and about how many heartbeats it had."""
        self._heartbeat_s = min((monotonic_s() - self._began_s) / max(1, heartbeats), HEARTBEAT_S)

    def turns(self, heartbeats: int) -> int:
        """Of so many canisters with a heartbeat, one in how many has it in the next round; 1 for all."""
        return max(1, math.ceil(heartbeats * self._heartbeat_s / HEARTBEATS_S))
