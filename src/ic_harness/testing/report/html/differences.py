"""What differs: instructions of tests from the gas file, and answers of two networks from each other."""

from __future__ import annotations

from typing import Final

from ic_harness.testing.measured import ComparedResult, GasResult
from ic_harness.testing.report.html.blocks import data_table, left_out
from ic_harness.testing.report.html.markup import Markup, join, tag
from ic_harness.testing.report.words import count
from ic_harness.text import one_line

_NAME: Final = 300
_VALUE: Final = 1_000


def gas(result: GasResult | None) -> Markup | None:
    """Return the comparison with the gas file."""
    if result is None:
        return None
    rows: list[list[object]] = [
        [
            tag("code", one_line(it.test, _NAME)),
            tag("code", one_line(it.subject, _NAME)),
            it.before,
            it.now,
            it.change,
        ]
        for it in result.lines
    ]
    head = ["Test", "Method", "Was", "Is", "Change"]
    table = data_table("Instructions of tests that differ", head, rows, "rows") if rows else None
    return join(
        tag("p", f"Compared with the gas file: {result.summary}."), table, left_out(result.left_out, "line")
    )


def compared(result: ComparedResult | None) -> Markup | None:
    """Return what two networks did differently."""
    if result is None:
        return None
    first, second = one_line(result.first, 100), one_line(result.second, 100)
    rows: list[list[object]] = [
        [
            tag("code", one_line(it.test, _NAME)),
            it.kind,
            f"{one_line(it.place, _NAME)}{f' ({it.times:,} times)' if it.times > 1 else ''}",
            tag("code", one_line(it.first, _VALUE)),
            tag("code", one_line(it.second, _VALUE)),
        ]
        for it in result.differences
    ]
    head = ["Test", "Kind", "Place", f"On {first}", f"On {second}"]
    table = data_table("Differences of the networks", head, rows, "rows") if rows else None
    number = len(result.differences) + result.left_out
    words = f"{count(result.calls, 'call')} on both networks, {first} and {second}: "
    verdict = count(number, "difference") if number else "no difference"
    return join(tag("p", f"{words}{verdict}."), table, left_out(result.left_out, "difference"))
