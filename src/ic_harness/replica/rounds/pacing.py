"""How quickly rounds follow each other that no caller waits for."""

from __future__ import annotations

from typing import Final

from ic_harness.replica.state.clock import monotonic_s

UNATTENDED: Final = 20
"""Rounds in a row that may follow each other at once although no caller waits: a chain of timers is quick."""

PAUSE_S: Final = 0.1
"""Seconds between rounds after that, so that canisters with endless work leave processor and disk alone."""


class Pacing:
    """Counts rounds in a row that no caller waited for.

    `unattended` is their number; set it to 0 when a caller waited, and when canisters have come to rest.
    """

    def __init__(self) -> None:
        self.unattended = 0
        self._next_s = 0.0

    def ran(self) -> None:
        """Note that a round ran that no caller waited for."""
        self.unattended += 1
        if self.unattended >= UNATTENDED:
            self._next_s = monotonic_s() + PAUSE_S

    def rest_s(self) -> float:
        """Seconds until the next round that no caller waits for."""
        return 0.0 if self.unattended < UNATTENDED else max(0.0, self._next_s - monotonic_s())
