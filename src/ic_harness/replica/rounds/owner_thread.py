"""The thread of the owner of the replicated state: sleeps between commands and events.

It holds the round runner weakly while it sleeps, so that a replica which is forgotten without `close` does not keep it.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ic_harness import waiting
from ic_harness.replica.execution import SharedProcessor
from ic_harness.replica.state.clock import monotonic_s


class Owner(Protocol):
    """What runs on the thread."""

    def claim(self) -> bool:
        """Make the present thread the owner; False when there is one already."""

    def step(self) -> float | None:
        """Do what is to be done now.

        Returns the seconds until the next event, None when only a command brings one, negative to stop.
        """


def serve(
    reference: weakref.ref[Owner],
    commands: deque[Callable[[], None]],
    bell: waiting.Bell,
    processor: SharedProcessor,
) -> None:
    """Let the owner do a step after each command, for which the bell is rung if it is asleep, and when it wants to."""
    runner = reference()
    if runner is None or not runner.claim():
        return
    while runner is not None:
        pause = runner.step()
        if pause is not None and pause < 0:
            return
        del runner
        end = None if pause is None else monotonic_s() + pause
        if not processor.rest(commands.__len__):
            bell.asleep = True
            if not commands:
                left = bell.longest_s if end is None else min(end - monotonic_s(), bell.longest_s)
                bell.rings_within(max(0.0, left))
            bell.asleep = False
            processor.go_on()
        runner = reference()
