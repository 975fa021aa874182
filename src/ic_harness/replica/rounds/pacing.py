"""How quickly rounds follow each other that no caller waits for."""

from __future__ import annotations

from typing import Final

from ic_harness.replica.state.clock import monotonic_s

UNATTENDED: Final = 20
"""Rounds in a row that may follow each other at once although no caller waits: a chain of timers is quick."""

PAUSE_S: Final = 0.1
"""Seconds between rounds after that, so that canisters with endless work leave processor and disk alone."""


class Pacing:
    """Counts rounds in a row that no caller waited for."""

    def __init__(self) -> None:
        self._unattended = 0
        self._next_s = 0.0

    def ran(self, *, attended: bool) -> None:
        """Note that a round ran, and whether a caller waited."""
        self._unattended = 0 if attended else self._unattended + 1
        if self._unattended >= UNATTENDED:
            self._next_s = monotonic_s() + PAUSE_S

    def reset(self) -> None:
        """Note that canisters have come to rest."""
        self._unattended = 0

    def rest_s(self) -> float:
        """Seconds until the next round that no caller waits for."""
        return 0.0 if self._unattended < UNATTENDED else max(0.0, self._next_s - monotonic_s())
