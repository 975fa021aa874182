"""`--ic-gas`: brings the instructions of all tests together, and updates the gas file or compares with it."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from ic_harness.errors import InputError
from ic_harness.testing.gas import (
    GAS_FILE,
    Gas,
    GasDifference,
    compare,
    measure,
    merge,
    name_of_test,
    read_gas,
    write_gas,
)
from ic_harness.testing.measured import GasLine, GasResult
from ic_harness.text import for_log, one_line

from .call_metrics import MethodMetrics
from .collected_tests import CollectedTests
from .options import Options
from .profile import table
from .reporting import GAS

_SHOWN: Final = 50
"""Differences that are listed; `-v` lists all."""
_REPORTED: Final = 200
"""Differences in the report of a run."""


class GasRecorder:
    """Collects the gas of passed tests from the reports of all workers. Raises `pytest.UsageError` for a bad file."""

    def __init__(self, config: pytest.Config, options: Options, collected: CollectedTests) -> None:
        self._root = config.rootpath
        self._path = config.rootpath / GAS_FILE
        self._update = options.gas == "update"
        self._collect_only = bool(config.getoption("collectonly", default=False))
        self._tolerance = options.gas_tolerance
        self._collected = collected
        self._measured: dict[str, Gas] = {}
        self._incomplete: dict[str, str] = {}
        self._failed: set[str] = set()
        self._problem = ""
        self._result: list[GasDifference] | None = None
        try:
            self._before = read_gas(self._path)
        except InputError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the gas of a test that passed; a test that fails in any phase has none."""
        name = name_of_test(report.nodeid)
        if report.failed:
            self._failed.add(name)
        gas = vars(report).get(GAS)
        if gas is None or hasattr(report, "wasxfail"):
            return
        if isinstance(gas, str):
            self._incomplete[name] = gas
            return
        uses = (MethodMetrics(*values) for values in gas)
        self._measured[name] = measure(
            name, ((use.canister, use.method, use.query, use.instructions, use.cycles) for use in uses)
        )

    def differences(self) -> list[GasDifference]:
        """Return the lines that differ from the file, once all tests have run."""
        if self._result is None:
            self._result = compare(self._before, self._merged(self._before), self._tolerance)
        return self._result

    def _merged(self, before: Gas) -> Gas:
        measured = {test: gas for test, gas in self._measured.items() if test not in self._failed}
        gone = {key[0] for key in before if self._collected.is_gone(key[0], self._root)}
        return merge(before, measured, gone, self._tolerance)

    def summary(self) -> str:
        """Return the result in one line, such as `3 lines differ from .ic-gas: 2 changed, 1 new`."""
        found = self.differences()
        if not found:
            return f"all {len(self._merged(self._before)):,} lines are as in {GAS_FILE}"
        kinds = Counter(it.change if it.change in ("new", "gone") else "changed" for it in found)
        listed = ", ".join(f"{kinds[kind]} {kind}" for kind in ("changed", "new", "gone") if kinds[kind])
        return f"{len(found):,} {'line differs' if len(found) == 1 else 'lines differ'} from {GAS_FILE}: {listed}"

    def measured(self) -> GasResult:
        """Return the comparison for the report of the run."""
        found = self.differences()
        return GasResult(
            summary=self.summary(),
            lines=tuple(
                GasLine(
                    test=it.entry.test,
                    subject=one_line(it.entry.subject, 200),
                    before=_figures(it, before=True),
                    now=_figures(it, before=False),
                    change=it.change,
                )
                for it in found[:_REPORTED]
            ),
            left_out=max(0, len(found) - _REPORTED),
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, or fail a run that differs from it."""
        if self._collect_only:
            return
        if self._update:
            self._write()
        elif self.differences() or self._incomplete:
            self._problem = "the gas check failed"
        if self._problem and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self) -> None:
        """Update the file as it is now: another run may have changed it meanwhile."""
        if not self.differences():
            return
        try:
            write_gas(self._path, self._merged(read_gas(self._path)))
        except (InputError, OSError) as error:
            self._problem = (
                str(error) if isinstance(error, InputError) else f"cannot write {self._path}: {error}"
            )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the differences and what became of them."""
        if self._collect_only:
            return
        terminalreporter.section("canister gas")
        shown = None if terminalreporter.verbosity > 0 else _SHOWN
        for line in self._lines(shown):
            terminalreporter.write_line(for_log(line))
        line, bad = self._conclusion()
        terminalreporter.write_line(for_log(line), red=bad, green=not bad)

    def _lines(self, shown: int | None) -> list[str]:
        found = self.differences()
        rows = [
            (
                f"{it.entry.test} {it.entry.subject}",
                _figures(it, before=True),
                _figures(it, before=False),
                it.change,
            )
            for it in found[:shown]
        ]
        lines = table(("test, method", "was", "is", "change"), rows) if rows else []
        if shown is not None and len(found) > shown:
            lines.append(f"… and {len(found) - shown:,} more (-v shows all)")
        for reason, count in Counter(self._incomplete.values()).items():
            first = next(test for test, why in self._incomplete.items() if why == reason)
            others = f" and {count - 1:,} more" if count > 1 else ""
            lines.append(f"not measured: {first}{others}: {reason}")
        return lines

    def _conclusion(self) -> tuple[str, bool]:
        if self._update and not self._problem:
            return (
                f"updated: {self.summary()}" if self.differences() else f"unchanged: {self.summary()}"
            ), False
        if self._update:
            return self._problem, True
        if self.differences():
            more = f" (tolerance {self._tolerance:g} %); if that is right: pytest --ic-gas=update, and commit"
            return f"{self._problem}: {self.summary()}{more}", True
        if self._incomplete:
            return f"{self._problem}: tests were not measured; compare on the embedded network", True
        return self.summary(), False


def _figures(difference: GasDifference, *, before: bool) -> str:
    """Return instructions and calls as the table shows them."""
    entry = difference.before if before else difference.now
    if entry is None:
        return ""
    calls = "" if entry.calls is None else f" ({entry.calls:,} {'call' if entry.calls == 1 else 'calls'})"
    return f"{entry.instructions:,}{calls}"
