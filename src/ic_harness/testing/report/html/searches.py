"""Crash sweeps, explored orders and fuzzing: how much was run, and the smallest failure of each fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ic_harness.testing.measured import SearchFinding, SearchResult
from ic_harness.testing.report.html.blocks import data_table, folded, left_out
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.text import one_line

_NAME: Final = 300
_STEP: Final = 1_000


def searches(found: Sequence[SearchResult]) -> Markup | None:
    """Return the section: searches that found something one by one, the others in a table."""
    if not found:
        return None
    quiet = [it for it in found if not it.findings]
    rows: list[list[object]] = [
        [tag("code", one_line(it.test, _NAME)), it.kind, one_line(it.summary, _STEP), "; ".join(it.notes)]
        for it in quiet
    ]
    head = ["Test", "Search", "Runs", "Notes"]
    table = data_table("Searches that found nothing", head, rows, "rows") if rows else None
    title = tag("h3", "Searches that found nothing") if rows and len(rows) < len(found) else None
    return join(*(_search(it) for it in found if it.findings), title, table)


def _search(search: SearchResult) -> Markup:
    return tag(
        "article",
        tag("h3", f"{search.kind.capitalize()} in ", tag("code", one_line(search.test, _NAME))),
        tag("p", search.summary, class_="quiet"),
        [_finding(it) for it in search.findings],
        left_out(search.left_out, "finding"),
        [tag("p", f"Note: {note}", class_="quiet") for note in search.notes],
        [tag("h4", "Run it again"), tag("pre", tag("code", search.command))] if search.command else None,
        class_="found",
    )


def _finding(finding: SearchFinding) -> Markup:
    steps = tag("ol", [tag("li", one_line(it, _STEP)) for it in finding.steps], class_="steps", tabindex=0)
    return tag(
        "div",
        tag("h4", one_line(finding.title, _STEP)),
        tag("p", finding.problem, class_="problem"),
        steps if finding.steps else None,
        folded("A test that shows it again", tag("pre", tag("code", finding.code))) if finding.code else None,
        class_="finding",
    )
