"""`--ic-compare`: brings the differences of all tests together, prints them, and fails a run that has any."""

from __future__ import annotations

import pytest

from ic_harness.testing.gas import name_of_test
from ic_harness.testing.measured import ComparedDifference, ComparedResult
from ic_harness.text import for_log, one_line

from .profile import table
from .reporting import COMPARED

_SHOWN = 50
"""Differences that are listed; `-v` lists all."""


_REPORTED = 200
"""Differences in the report of a run; a text of one has so many characters."""
_TEXT = 1_000


class CompareSummary:
    """Collects the differences from the reports of all workers; equal ones of a test are listed once."""

    def __init__(self, first: str, second: str) -> None:
        self._networks = first, second
        self._calls = 0
        self._found: dict[tuple[str, str, str, str, str], int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the differences of one phase of a test."""
        calls, found = vars(report).get(COMPARED, (0, []))
        self._calls += calls
        for kind, place, first, second in found:
            row = (name_of_test(report.nodeid), kind, place, first, second)
            self._found[row] = self._found.get(row, 0) + 1

    def measured(self) -> ComparedResult:
        """Return the comparison for the report of the run."""
        first, second = self._networks
        rows = list(self._found.items())
        return ComparedResult(
            first=first,
            second=second,
            calls=self._calls,
            differences=tuple(
                ComparedDifference(
                    test=test,
                    kind=kind,
                    place=one_line(place, _TEXT),
                    first=one_line(one, _TEXT),
                    second=one_line(other, _TEXT),
                    times=times,
                )
                for (test, kind, place, one, other), times in rows[:_REPORTED]
            ),
            left_out=max(0, len(rows) - _REPORTED),
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run with differences, and one that compared nothing."""
        if session.exitstatus == pytest.ExitCode.OK and (self._found or not self._calls):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the differences."""
        first, second = self._networks
        terminalreporter.section("compared networks")
        shown = None if terminalreporter.verbosity > 0 else _SHOWN
        rows = [
            (test, kind, place if count == 1 else f"{place} ({count} times)", one, other)
            for (test, kind, place, one, other), count in list(self._found.items())[:shown]
        ]
        for line in table(("test", "kind", "place", f"on {first}", f"on {second}"), rows) if rows else []:
            terminalreporter.write_line(for_log(line))
        if shown is not None and len(self._found) > shown:
            terminalreporter.write_line(f"… and {len(self._found) - shown:,} more (-v shows all)")
        terminalreporter.write_line(self._conclusion(), red=bool(self._found), green=not self._found)

    def _conclusion(self) -> str:
        if not self._calls:
            return "no call was compared"
        if not self._found:
            return f"{self._calls:,} calls: no difference"
        number = len(self._found)
        return f"{self._calls:,} calls: {number:,} {'difference' if number == 1 else 'differences'}"
