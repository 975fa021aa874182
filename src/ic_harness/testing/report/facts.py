"""What a run measured in a few lines of text: for the summary of a CI job, and as properties of JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ic_harness.testing.growth.series import growth_of, law_words, limit_words
from ic_harness.testing.measured import Measured
from ic_harness.testing.report.words import count
from ic_harness.text import one_line

_MOST: Final = 30
"""Lines of one kind."""


def measured_facts(measured: Measured | None) -> Iterator[tuple[str, str]]:
    """Yield names and values, such as `coverage counter (0a1b2c3d)` and `functions 81.2 %, lines 70.0 %`."""
    if measured is None:
        return
    if measured.run is not None:
        run = measured.run
        parts = {
            "passed": run.passed,
            "failed": run.failed,
            "in error": run.errors,
            "skipped": run.skipped,
            "expected to fail": run.expected,
        }
        words = ", ".join(f"{number:,} {name}" for name, number in parts.items() if number) or "none"
        yield "tests", f"{words}{' (interrupted)' if run.interrupted else ''}"
    for module in measured.coverage[:_MOST]:
        shares = {
            "functions": module.functions,
            "blocks": module.blocks,
            "branches": module.arms,
            "lines": module.lines,
        }
        values = ", ".join(f"{name} {it.percent}" for name, it in shares.items() if it.total)
        yield f"coverage {one_line(module.title, 100)}", values or "nothing to cover"
    growths = [(series.subject, series) for it in measured.growth for series in growth_of(it).series]
    for subject, series in growths[:_MOST]:
        yield (
            f"growth {one_line(subject, 100)} {series.what}",
            f"{law_words(series)}, limit met at n = {limit_words(series)}",
        )
    if measured.gas is not None:
        yield "gas", measured.gas.summary
    if measured.compared is not None:
        result = measured.compared
        number = len(result.differences) + result.left_out
        yield "compared networks", f"{count(result.calls, 'call')}, {count(number, 'difference')}"
    for search in measured.searches[:_MOST]:
        found = len(search.findings) + search.left_out
        yield (
            f"{search.kind} {one_line(search.test, 200)}",
            f"{count(found, 'finding')}; {one_line(search.summary, 300)}",
        )
