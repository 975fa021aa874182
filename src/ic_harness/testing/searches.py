"""Collects what searches for faults did (crash sweeps, explored orders, fuzzing), for the report of a run.

A search notes its result when it ends, whether it raises afterwards or not; while nobody collects, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from ic_harness.testing.measured import SearchFinding, SearchResult
from ic_harness.text import clean, one_line

CRASH_SWEEP: Final = "crash sweep"
ORDERS: Final = "explored orders"
FUZZ: Final = "fuzz"
_FINDINGS: Final = 20
_STEPS: Final = 200
_STEP: Final = 500
_PROBLEM: Final = 4_000
_CODE: Final = 20_000
_NOTES: Final = 20
_COLLECTED: ContextVar[list[SearchResult] | None] = ContextVar("ic_searches", default=None)


@contextmanager
def collecting_searches() -> Iterator[list[SearchResult]]:
    """Collect the results of all searches that end inside the block."""
    found: list[SearchResult] = []
    token = _COLLECTED.set(found)
    try:
        yield found
    finally:
        _COLLECTED.reset(token)


def note_search(
    kind: str, summary: str, findings: Sequence[SearchFinding], notes: Sequence[str] = (), command: str = ""
) -> None:
    """Keep the result of a search for whoever collects; texts and lists are cut to what a report shows."""
    found = _COLLECTED.get()
    if found is None:
        return
    result = SearchResult(
        kind=kind,
        summary=one_line(summary, _STEP),
        findings=tuple(map(_bounded, findings[:_FINDINGS])),
        notes=tuple(one_line(note, _STEP) for note in notes[:_NOTES]),
        command=command,
        left_out=max(0, len(findings) - _FINDINGS),
    )
    found.append(result)


def _bounded(finding: SearchFinding) -> SearchFinding:
    """Keep the last steps, which show the fault, and say how many others there were."""
    steps = [one_line(step, _STEP) for step in finding.steps[-_STEPS:]]
    more = len(finding.steps) - len(steps)
    return SearchFinding(
        title=one_line(finding.title, _STEP),
        problem=clean(finding.problem[:_PROBLEM]),
        steps=(*([f"… {more:,} earlier steps are left out"] if more else []), *steps),
        code=finding.code if len(finding.code) <= _CODE else "",
    )
