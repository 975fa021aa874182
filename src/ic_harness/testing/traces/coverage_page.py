"""The page of the coverage: totals, and every function of each module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.text import one_line

from .coverage import Counted, FileCoverage, FunctionCoverage, ModuleCoverage, never_executed
from .pages import data_table, meter, page

_ROWS: Final = 2_000
"""Functions of a module in the page; the listing has all."""
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
    library = len(module.functions) - len(module.own)
    apart = f"{library:,} functions of standard libraries are not counted." if library else None
    shares = [("Functions", module.counted), ("Blocks", module.blocks), ("Branches", module.arms)]
    if module.files:
        shares.insert(0, ("Lines", module.lines))
    return tag(
        "section",
        tag("h2", module.title),
        tag("p", apart, class_="quiet") if apart else None,
        tag("div", [_share(name, counted) for name, counted in shares], class_="shares"),
        [_source(file, sources(file.path)) for file in module.files],
        _never(module),
        _partly(module),
    )


def _share(name: str, counted: Counted) -> Markup:
    of = f"{counted.hit:,} of {counted.total:,}" if counted.total else "there are none"
    return tag(
        "div",
        tag("span", name, class_="quiet"),
        tag("b", counted.percent or "none"),
        tag("span", of, class_="quiet"),
        meter(counted.share),
        class_="share",
    )


def _never(module: ModuleCoverage) -> Markup | None:
    found = list(never_executed(module))
    if not found:
        return None
    rows = [[_code(it), it.blocks.total, it.arms.total] for it in found[:_ROWS]]
    table = data_table("Functions that never executed", ["Function", "Blocks", "Branches"], rows)
    return _details(f"{len(found):,} functions never executed", table, _rest(len(found)), is_open=True)


def _partly(module: ModuleCoverage) -> Markup | None:
    found = [it for it in module.own if it.hit]
    if not found:
        return None
    found.sort(key=lambda it: (it.blocks.hit - it.blocks.total, it.index))
    rows: list[list[object]] = [
        [_code(it), meter(it.blocks.share), _of(it.blocks), _of(it.arms), _missed(it)] for it in found[:_ROWS]
    ]
    head = ["Function", "Executed", "Blocks", "Branches", "Arms not taken, by code offset"]
    table = data_table("Functions that executed", head, rows)
    return _details(f"{len(found):,} functions executed", table, _rest(len(found)), is_open=False)


def _source(file: FileCoverage, text: str | None) -> Markup:
    """Show a file: its lines where the text is known, else which lines never executed."""
    title = f"{one_line(file.path, _NAME)}: {file.counted.hit:,} of {file.counted.total:,} lines"
    if text is None:
        missed = ", ".join(str(line) for line, hit in sorted(file.lines.items()) if not hit)
        words = f"Lines that never executed: {missed}" if missed else "All lines executed."
        return _details(
            title, tag("p", words), tag("p", "The source was not found.", class_="quiet"), is_open=False
        )
    lines = [
        _line(number, line, file.lines.get(number))
        for number, line in enumerate(text.split("\n")[:_LINES], 1)
    ]
    box = tag("div", tag("pre", lines), class_="source", tabindex=0, role="region", aria_label=title)
    return _details(title, box, is_open=file.counted.hit < file.counted.total)


def _line(number: int, text: str, hit: bool | None) -> Markup:  # noqa: FBT001  one of three states
    style = "line" if hit is None else "line y" if hit else "line n"
    mark = "" if hit is None else "executed: " if hit else "never executed: "
    return tag(
        "span", tag("span", number, class_="number"), tag("span", mark, class_="hidden"), text, class_=style
    )


def _details(title: str, *content: object, is_open: bool) -> Markup:
    return tag("details", tag("summary", title), content, class_="card", open=is_open)


def _rest(count: int) -> Markup | None:
    return tag("p", f"… and {count - _ROWS:,} more", class_="quiet") if count > _ROWS else None


def _code(function: FunctionCoverage) -> Markup:
    return join(tag("code", one_line(function.name, _NAME)))


def _of(counted: Counted) -> str:
    return f"{counted.hit:,} / {counted.total:,}" if counted.total else ""


def _missed(function: FunctionCoverage) -> str:
    missed = [
        f"0x{branch.offset:x}: {', '.join(_arm(number, len(branch.arms)) for number in arms)}"
        for branch in function.branches
        if any(branch.arms)
        for arms in [[number for number, arm in enumerate(branch.arms) if not arm]]
        if arms
    ]
    return "; ".join(missed[:4]) + (f"; and {len(missed) - 4} more" if len(missed) > 4 else "")


def _arm(number: int, count: int) -> str:
    if count == 2:
        return "false" if number else "true"
    return "default" if number == count - 1 else str(number)
