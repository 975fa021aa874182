"""The tests that failed, each with its message and the command that shows the failure again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ic_harness.testing.measured import FailedRun, RunOutcome
from ic_harness.testing.report.html.blocks import left_out
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.text import one_line

_NAME: Final = 300


def failed_tests(run: RunOutcome | None, diagrams: Mapping[str, str]) -> Markup | None:
    """Return the section; `diagrams` has the ids of sequence diagrams by test."""
    if run is None or not run.failures:
        return None
    cards = [_failure(it, diagrams.get(it.test)) for it in run.failures]
    return join(*cards, left_out(run.left_out, "test that failed", "tests that failed"))


def _failure(failure: FailedRun, diagram: str | None) -> Markup:
    phase = "" if failure.phase == "call" else f" (in its {failure.phase})"
    again = (
        [tag("h4", "Show the failure again"), tag("pre", tag("code", failure.command))]
        if failure.command
        else []
    )
    return tag(
        "article",
        tag("h3", tag("code", one_line(failure.test, _NAME)), phase),
        tag("p", failure.message, class_="problem"),
        again,
        tag("p", f"From the failure file {one_line(failure.file, _NAME)}", class_="quiet")
        if failure.file
        else None,
        tag("p", tag("a", "Its calls as a sequence diagram", href=f"#{diagram}")) if diagram else None,
        class_="found",
    )
