"""How a run stands, in words: three phases, a rate, the time that is left. Pure, over snapshots of the counts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from ic_harness.units import human_bytes

from .records import Stats
from .states import Stage, State

_WINDOW_S: Final = 30.0
_PHASES: Final = ((Stage.UPLOAD, "Uploading"), (Stage.PROCESS, "Processing"), (Stage.EMBED, "Searchable"))
_LEFT: Final = (State.BLOCKED, State.READY, State.LEASED, State.WAITING)


@dataclass(frozen=True, slots=True)
class Phase:
    """One of the three phases: files done, files that go through it, files that failed in it."""

    name: str
    stage: Stage
    done: int
    total: int
    failed: int


def phases(stats: Stats) -> tuple[Phase, ...]:
    """The three phases with their counts; duplicates and files that a phase skips are not in its total."""
    found = []
    for stage, name in _PHASES:
        done, failed = stats.count(stage, State.DONE), stats.count(stage, State.DEAD)
        found.append(Phase(name, stage, done, done + failed + stats.count(stage, *_LEFT), failed))
    return tuple(found)


class Meter:
    """Rates over the last half minute."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int, int]] = deque()

    def note(self, stats: Stats, now: float) -> None:
        """Take the counts of the moment `now` (seconds, any clock that does not go back)."""
        self._points.append((now, stats.bytes_done, _finished(stats)))
        while now - self._points[0][0] > _WINDOW_S and len(self._points) > 2:
            self._points.popleft()

    @property
    def bytes_per_second(self) -> float:
        """Bytes of originals that became safe, each second."""
        return self._rate(1)

    def seconds_left(self, stats: Stats, stages: tuple[Stage, ...]) -> float | None:
        """How long the rest takes at the present rate; None while that is not known."""
        left = sum(stats.count(stage, *_LEFT) for stage in stages)
        rate = self._rate(2)
        return left / rate if rate > 0 else None

    def _rate(self, column: int) -> float:
        if len(self._points) < 2:
            return 0.0
        first, last = self._points[0], self._points[-1]
        passed = last[0] - first[0]
        return max(0.0, (last[column] - first[column]) / passed) if passed > 0 else 0.0


def _finished(stats: Stats) -> int:
    return sum(stats.count(stage, State.DONE, State.DEAD) for stage in Stage)


def line(stats: Stats, meter: Meter | None = None, stages: tuple[Stage, ...] = tuple(Stage)) -> str:
    """One line for a log: failures first, then the phases, rate and time left."""
    parts = []
    failed = sum(stats.dead.values())
    if failed:
        kinds = ", ".join(f"{count} {cls}" for cls, count in sorted(stats.dead.items()))
        parts.append(f"{failed} failed ({kinds})")
    parts += [f"{phase.name} {phase.done}/{phase.total}" for phase in phases(stats) if phase.stage in stages]
    if meter is not None and not stats.finished:
        parts.append(f"{human_bytes(int(meter.bytes_per_second))}/s")
        left = meter.seconds_left(stats, stages)
        if left is not None:
            parts.append(f"{duration(left)} left")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them: `40 s`, `12 min`, `3 h 20 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percentile(ordered: list[float], share: float) -> float | None:
    """The value that `share` (0 to 1) of sorted values do not exceed; None of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
