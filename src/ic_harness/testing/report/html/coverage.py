"""Coverage by canister and file, and functions that never executed: for the report and for the page with sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from ic_harness.testing.measured import Counted, FileCounts, FunctionCounts, ModuleCounts
from ic_harness.testing.report.html.blocks import data_table, folded, left_out, meter
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.words import count
from ic_harness.text import one_line

_NAME: Final = 200


def coverage(modules: Sequence[ModuleCounts], page: str) -> Markup | None:
    """Return the section of the report; `page` is the address of the page with sources, "" where there is none."""
    if not modules:
        return None
    sources = (
        tag("p", "With sources: ", tag("a", one_line(page, _NAME), href=_address(page))) if page else None
    )
    single = len(modules) == 1
    boxes = [
        tag("div", tag("h3", _title(it)), module_body(it), class_="module")
        if single
        else folded(f"{_title(it)}: {it.functions.percent or 'none'} of its functions", module_body(it))
        for it in modules
    ]
    return join(sources, None if single else _overview(modules), boxes)


def _address(page: str) -> str:
    """Return a relative address: no scheme, host or query can be in it."""
    return f"./{quote(page.lstrip('/'), errors='replace')}"


def _overview(modules: Sequence[ModuleCounts]) -> Markup:
    rows: list[list[object]] = [
        [
            tag("code", _title(it)),
            meter(it.functions.share),
            *map(_of, (it.functions, it.blocks, it.arms, it.lines)),
        ]
        for it in modules
    ]
    head = ["Canister", "Functions executed", "Functions", "Blocks", "Branches", "Lines"]
    return data_table("Coverage by canister", head, rows, "bars")


def _title(module: ModuleCounts) -> str:
    return one_line(module.title, _NAME)


def module_body(module: ModuleCounts, *sources: Markup) -> Markup:
    """Return the coverage of a module; `sources` come after the table of its files."""
    apart = (
        f"{count(module.library, 'function')} of standard libraries are not counted."
        if module.library
        else ""
    )
    shares = [("Functions", module.functions), ("Blocks", module.blocks), ("Branches", module.arms)]
    if module.files:
        shares.insert(0, ("Lines", module.lines))
    return join(
        tag("p", apart, class_="quiet") if apart else None,
        tag("div", [_share(name, counted) for name, counted in shares], class_="shares"),
        _files(module),
        sources,
        _never(module),
        _executed(module),
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


def _files(module: ModuleCounts) -> Markup | None:
    if not module.files:
        return None
    rows: list[list[object]] = [
        [tag("code", one_line(it.path, _NAME)), meter(it.lines.share), _lines(it), it.missed]
        for it in module.files
    ]
    head = ["File", "Executed", "Lines", "Lines that never executed"]
    table = data_table(f"Files of {_title(module)}", head, rows, "bars")
    return join(table, left_out(module.files_left_out, "file"))


def _lines(file: FileCounts) -> Markup:
    return tag("span", f"{file.lines.percent or 'none'} ({_of(file.lines)})", class_="figure")


def _never(module: ModuleCounts) -> Markup | None:
    if not module.never:
        return None
    rows: list[list[object]] = [[_code(it), it.blocks.total, it.arms.total] for it in module.never]
    table = data_table("Functions that never executed", ["Function", "Blocks", "Branches"], rows)
    title = f"{count(len(module.never) + module.never_left_out, 'function')} never executed"
    return folded(title, table, left_out(module.never_left_out, "function"), is_open=True)


def _executed(module: ModuleCounts) -> Markup | None:
    if not module.executed:
        return None
    rows: list[list[object]] = [
        [_code(it), meter(it.blocks.share), _of(it.blocks), _of(it.arms), it.missed] for it in module.executed
    ]
    head = ["Function", "Executed", "Blocks", "Branches", "Arms not taken, by code offset"]
    table = data_table("Functions that executed", head, rows, "bars")
    title = f"{count(len(module.executed) + module.executed_left_out, 'function')} executed"
    return folded(title, table, left_out(module.executed_left_out, "function"))


def _code(function: FunctionCounts) -> Markup:
    return tag("code", one_line(function.name, _NAME))


def _of(counted: Counted) -> str:
    return f"{counted.hit:,} / {counted.total:,}" if counted.total else ""
