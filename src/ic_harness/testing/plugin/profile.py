"""`--ic-profile`: what tests and methods cost, printed after the run.

Every test's report carries what it called; here the reports of all workers come together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import Final

import pytest

from ic_harness.text import for_log

from .call_metrics import MethodMetrics
from .reporting import METHOD_METRICS

_TESTS_SHOWN: Final = 25
"""The number of listed tests, the most expensive first; `-v` lists all."""
_CYCLES: Final = "cycles: decrease of the balance: fees, and what was sent and burned"
_NO_METER: Final = "No test used a network that measures the cost of messages."


class Profile:
    """Collects metrics from reports and prints two tables: per test, and per method."""

    def __init__(self) -> None:
        self._tests: dict[str, list[MethodMetrics]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the metrics of a report."""
        for values in vars(report).get(METHOD_METRICS, ()):
            self._tests.setdefault(report.nodeid, []).append(MethodMetrics(*values))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        terminalreporter.section("canister profile")
        if not self._tests:
            terminalreporter.write_line(_NO_METER)
            return
        shown = None if terminalreporter.verbosity > 0 else _TESTS_SHOWN
        for line in [*self._per_test(shown), "", *self._per_method(), "", _CYCLES]:
            terminalreporter.write_line(for_log(line))

    def _per_test(self, shown: int | None) -> list[str]:
        sums = [
            (
                nodeid,
                sum(len(use.instructions) for use in uses if not use.query),
                sum(len(use.instructions) for use in uses if use.query),
                sum(sum(use.instructions) for use in uses),
                sum(use.cycles for use in uses),
            )
            for nodeid, uses in self._tests.items()
        ]
        sums.sort(key=lambda row: -row[3])
        left_out = len(sums) - shown if shown is not None else 0
        lines = table(("test", "messages", "queries", "instructions", "cycles"), sums[:shown])
        return [*lines, f"… and {left_out} that cost less (-v shows all)"] if left_out > 0 else lines

    def _per_method(self) -> list[str]:
        found: dict[tuple[str, str, bool], MethodMetrics] = {}
        for use in (use for uses in self._tests.values() for use in uses):
            key = (use.canister, use.method, use.query)
            total = found.setdefault(key, MethodMetrics(*key))
            total.instructions += use.instructions
            total.cycles += use.cycles
            total.traps += use.traps
        rows = [
            (
                f"{use.canister}.{use.method}{' (query)' if use.query else ''}",
                len(use.instructions),
                min(use.instructions),
                median_low(use.instructions),
                max(use.instructions),
                use.cycles,
                use.traps,
            )
            for use in sorted(found.values(), key=lambda use: -sum(use.instructions))
        ]
        return table(("method", "calls", "least", "median", "most", "cycles", "traps"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str | int]]) -> list[str]:
    """Set a table for the terminal: texts to the left, numbers to the right, with thousands apart."""
    cells = [list(head), *([v if isinstance(v, str) else f"{v:,}" for v in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
