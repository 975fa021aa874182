"""When a failed try is made again: schedules by class, with full jitter. Pure: randomness is given.

Full jitter: the wait is drawn evenly from nothing up to the bound, so clients that failed together do not return
together. What the network asks for by `Retry-After` is waited in full, and a little more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .states import FailureClass, Stage

Dice = Callable[[float, float], float]
"""Draws a number between two bounds, as `random.uniform` does."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Bounds that grow from `base_s` by `factor` up to `cap_s`."""

    base_s: float
    factor: float
    cap_s: float

    def bound(self, attempt: int) -> float:
        """The longest wait in seconds after failure number `attempt` (from 1)."""
        return float(min(self.cap_s, self.base_s * self.factor ** min(attempt - 1, 64)))


SCHEDULES: Final[Mapping[FailureClass, Schedule]] = {
    FailureClass.NETWORK: Schedule(1.0, 2.0, 60.0),
    FailureClass.SERVER: Schedule(1.0, 2.0, 60.0),
    FailureClass.UNKNOWN: Schedule(1.0, 2.0, 60.0),
    FailureClass.RATE_LIMIT: Schedule(1.0, 5.0, 900.0),
}
EMBED_S: Final = (60.0, 300.0, 900.0, 3600.0, 21600.0)
"""Waits of the embed stage: a model that is not there comes back slowly."""
_AFTER_S: Final = 1.0


def delay_s(
    cls: FailureClass, attempt: int, dice: Dice, *, stage: Stage, retry_after_s: float | None = None
) -> float:
    """Seconds to wait after failure number `attempt` (from 1) of a class; `invalid` has none and is never asked."""
    if retry_after_s is not None:
        return retry_after_s + dice(0.0, _AFTER_S)
    if stage is Stage.EMBED:
        return EMBED_S[min(attempt, len(EMBED_S)) - 1]
    return dice(0.0, SCHEDULES[cls].bound(attempt))
