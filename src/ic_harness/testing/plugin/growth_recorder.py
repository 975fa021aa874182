"""`--ic-growth`: brings together what the fixture `grow` measured, prints tables and writes a page with charts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from ic_harness.errors import HarnessError
from ic_harness.files import write_atomically
from ic_harness.testing.growth import Growth
from ic_harness.testing.growth.measure import from_plain
from ic_harness.testing.growth.picture import to_growth_page
from ic_harness.testing.growth.series import growth_lines, growth_result
from ic_harness.testing.measured import GrowthResult
from ic_harness.text import for_log, readable

from .reporting import GROWTH_REPORT

_GROWTHS: Final = 20
"""Workloads in the report of a run, and figures of each."""
_SERIES: Final = 40


class GrowthRecorder:
    """Collects growths from the reports of all workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._folder: Path = config.invocation_params.dir / config.getoption("ic_growth_dir")
        self._found: dict[str, list[Growth]] = {}
        self._note = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the growths of a test."""
        plain: list[Any] = vars(report).get(GROWTH_REPORT, [])
        if plain:
            self._found[report.nodeid] = [from_plain(values) for values in plain]

    def _growths(self) -> list[Growth]:
        return [growth for nodeid in sorted(self._found) for growth in self._found[nodeid]]

    def measured(self) -> tuple[tuple[GrowthResult, ...], tuple[str, ...]]:
        """Return the growths for the report of the run, and sentences about what does not fit into it."""
        found = self._growths()
        more = len(found) - _GROWTHS
        notes = (f"{more:,} more growths are on the page of the growths.",) if more > 0 else ()
        return tuple(growth_result(it, _SERIES) for it in found[:_GROWTHS]), notes

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, where a test measured growth."""
        if not self._found:
            return
        path = self._folder / "index.html"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, [to_growth_page(self._growths()).encode("utf-8", "replace")])
            self._note = f"written: {readable(path)}"
        except (HarnessError, OSError) as error:
            self._note = f"the page cannot be written: {error}"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        terminalreporter.section("canister growth")
        lines = growth_lines(self._growths()) or ["No test used the fixture grow."]
        for line in [*lines, *([self._note] if self._note else [])]:
            terminalreporter.write_line(for_log(line))
