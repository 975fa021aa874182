"""The thread of the owner of the replicated state: sleeps between commands and events.

It holds the round runner weakly while it sleeps, so that a replica which is forgotten without `close` does not keep it.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ic_harness import waiting


class Owner(Protocol):
    """What runs on the thread."""

    def claim(self) -> bool:
        """Make the present thread the owner; False when there is one already."""

    def step(self) -> float | None:
        """Do what is to be done now.

        Returns the seconds until the next event, None when only a command brings one, negative to stop.
        """


def serve(reference: weakref.ref[Owner], commands: deque[Callable[[], None]], bell: waiting.Bell) -> None:
    """Let the owner do a step after each command, for which the bell is rung, and when it wants to."""
    runner = reference()
    if runner is None or not runner.claim():
        return
    while runner is not None:
        pause = runner.step()
        if pause is not None and pause < 0:
            return
        del runner
        bell.asleep = True
        if not commands:
            bell.rings_within(bell.longest_s if pause is None else min(pause, bell.longest_s))
        bell.asleep = False
        runner = reference()
