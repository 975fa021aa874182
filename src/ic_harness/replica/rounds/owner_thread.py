"""The thread of the owner of the replicated state: sleeps between commands and events.

It holds the round runner weakly while it sleeps, so that a replica which is forgotten without `close` does not keep it.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
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
        # An interrupted wait ends early, which the owner does not mind.
        if not commands and (
            pause is None or bell.rings_within_ms(min(math.ceil(pause * 1e3), waiting.LONGEST_MS))
        ):
            with suppress(InterruptedError):
                bell.block()
        bell.asleep = False
        runner = reference()
