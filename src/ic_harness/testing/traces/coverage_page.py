"""The page of the coverage: totals, every source file with its lines, and every function of each module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.testing.report.html.blocks import folded
from ic_harness.testing.report.html.coverage import module_body
from ic_harness.testing.report.html.markup import Markup, tag
from ic_harness.testing.report.html.pages import page
from ic_harness.text import one_line

from .coverage import FileCoverage, ModuleCoverage
from .coverage_counts import counts_of

_ROWS: Final = 2_000
"""Functions of a module in the page, and its files; the listing has all."""
_LINES: Final = 20_000
_NAME: Final = 200


Sources = Callable[[str], str | None]
"""Returns the text of a source file by its path; None where there is none to show."""


def to_page(modules: list[ModuleCoverage], notes: list[str], sources: Sources = lambda _: None) -> str:
    """Write the page of the coverage of these modules."""
    if not modules:
        notes = [*notes, "No canister was installed on an embedded network."]
    return page("Coverage", [tag("p", note) for note in notes], [_module(it, sources) for it in modules])


def _module(module: ModuleCoverage, sources: Sources) -> Markup:
    shown = [_source(file, sources(file.path)) for file in module.files[:_ROWS]]
    body = module_body(counts_of(module, functions=_ROWS, files=_ROWS), *shown)
    return tag("section", tag("h2", module.title), body)


def _source(file: FileCoverage, text: str | None) -> Markup:
    """Show a file: its lines where the text is known, else which lines never executed."""
    title = f"{one_line(file.path, _NAME)}: {file.counted.hit:,} of {file.counted.total:,} lines"
    if text is None:
        missed = ", ".join(str(line) for line, hit in sorted(file.lines.items()) if not hit)
        words = f"Lines that never executed: {missed}" if missed else "All lines executed."
        return folded(title, tag("p", words), tag("p", "The source was not found.", class_="quiet"))
    lines = [
        _line(number, line, file.lines.get(number))
        for number, line in enumerate(text.split("\n")[:_LINES], 1)
    ]
    box = tag("div", tag("pre", lines), class_="source", tabindex=0, role="region", aria_label=title)
    return folded(title, box, is_open=file.counted.hit < file.counted.total)


def _line(number: int, text: str, hit: bool | None) -> Markup:  # noqa: FBT001  one of three states
    style = "line" if hit is None else "line y" if hit else "line n"
    mark = "" if hit is None else "executed: " if hit else "never executed: "
    return tag(
        "span", tag("span", number, class_="number"), tag("span", mark, class_="hidden"), text, class_=style
    )
