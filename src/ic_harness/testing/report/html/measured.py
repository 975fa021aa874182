"""The sections about what a run measured, each with its title and a few words for the table of contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.measured import Counted, Measured
from ic_harness.testing.report.html.coverage import coverage
from ic_harness.testing.report.html.differences import compared, gas
from ic_harness.testing.report.html.flames import flame
from ic_harness.testing.report.html.growth import growth
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.html.run import failed_tests
from ic_harness.testing.report.html.searches import searches
from ic_harness.testing.report.words import count


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page; `gist` is what the table of contents says of it."""

    id: str
    title: str
    content: Markup | None
    gist: str = ""


def measured_sections(measured: Measured | None, diagrams: Mapping[str, str]) -> Iterator[Section]:
    """Yield the sections that have something to show; `diagrams` has ids of sequence diagrams by test."""
    if measured is None:
        return
    graphs = [flame(it) for it in measured.flames]
    notes = tag("ul", [tag("li", note) for note in measured.notes], class_="missing")
    sections: list[tuple[str, str, Markup | None, str]] = [
        ("failed", "Tests that failed", failed_tests(measured.run, diagrams), _failed(measured)),
        ("searches", "Sweeps, orders and fuzzing", searches(measured.searches), _searched(measured)),
        ("compared", "Compared networks", compared(measured.compared), _compared(measured)),
        ("coverage", "Coverage", coverage(measured.coverage, measured.coverage_page), _covered(measured)),
        ("growth", "Growth", growth(measured.growth), _grown(measured)),
        ("gas", "Gas file", gas(measured.gas), _gas(measured)),
        ("flames", "Flame graphs", join(*graphs) if graphs else None, count(len(graphs), "canister")),
        (
            "notes",
            "Not in this report",
            notes if measured.notes else None,
            count(len(measured.notes), "note"),
        ),
    ]
    for id_, title, content, gist in sections:
        if content is not None:
            yield Section(id_, title, tag("div", content, class_="measure"), gist)


def contents(sections: Sequence[Section]) -> Markup:
    """Return the table of contents."""
    items = [
        tag("li", tag("a", it.title, tag("span", it.gist) if it.gist else None, href=f"#{it.id}"))
        for it in sections
    ]
    return tag("div", tag("h2", "Contents", class_="side-title"), tag("ul", items), class_="contents")


def _failed(measured: Measured) -> str:
    run = measured.run
    return f"{run.failed + run.errors:,} of {run.total:,}" if run is not None else ""


def _searched(measured: Measured) -> str:
    found = sum(len(it.findings) + it.left_out for it in measured.searches)
    return count(found, "finding") if found else "nothing found"


def _compared(measured: Measured) -> str:
    result = measured.compared
    return count(len(result.differences) + result.left_out, "difference") if result is not None else ""


def _gas(measured: Measured) -> str:
    result = measured.gas
    return count(len(result.lines) + result.left_out, "difference") if result is not None else ""


def _covered(measured: Measured) -> str:
    functions = sum((it.functions for it in measured.coverage), Counted(0, 0))
    return f"{functions.percent} of functions" if functions.total else ""


def _grown(measured: Measured) -> str:
    return count(sum(len(it.series) + it.left_out for it in measured.growth), "figure")
