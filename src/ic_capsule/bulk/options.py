"""What a run is told: how far, how wide, how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .governor import Limits
from .states import STAGES, Stage

LANES: Final = 48
"""Files on their way at once, of each stage, at most; large ones are fewer, see `coordinator`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a run.

    `until` is the last stage. `once` ends the run when nothing is due now, instead of waiting for what is due later.
    `forever` lets it wait for files that are added later. `whole` uploads four assets at once, as `upload` does.
    `budget` is how many bytes of originals this run may begin, None for all of them.
    """

    until: Stage = Stage.EMBED
    once: bool = False
    forever: bool = False
    whole: bool = False
    lanes: int = LANES
    budget: int | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of this run."""
        return STAGES[: STAGES.index(self.until) + 1]
