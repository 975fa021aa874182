"""How the tests of a run ended, for the report: numbers, and each failure with what shows it again."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from ic_harness.testing.gas import name_of_test
from ic_harness.testing.measured import FailedRun, RunOutcome
from ic_harness.text import clean

from .failure_files import FAILURE_FILE

_FAILURES: Final = 100
"""Tests that failed and are in the report, the first."""
_MESSAGE: Final = 2_000
_PHASES: Final = ("setup", "call", "teardown")


class RunOutcomes:
    """Counts outcomes; `folder` is where pytest was started, which paths are relative to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: Counter[str] = Counter()
        self._failures: list[FailedRun] = []

    @property
    def failed(self) -> bool:
        """Whether a test failed in any phase."""
        return bool(self._failures)

    def add(self, report: pytest.TestReport) -> None:
        """Take in one phase of a test."""
        if report.failed:
            self._counts["failed" if report.when == "call" else "errors"] += 1
            if len(self._failures) < _FAILURES:
                self._failures.append(self._failure(report))
        elif report.skipped:
            self._counts["expected" if hasattr(report, "wasxfail") else "skipped"] += 1
        elif report.when == "call":
            self._counts["passed"] += 1

    def _failure(self, report: pytest.TestReport) -> FailedRun:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash is not None else report.longreprtext[-_MESSAGE:]
        name, file = name_of_test(report.nodeid), self._relative(vars(report).get(FAILURE_FILE, ""))
        again = f"ic-harness replay {shlex.quote(file)}" if file else f"pytest {shlex.quote(name)}"
        return FailedRun(
            test=name,
            phase=str(report.when) if report.when in _PHASES else "worker",
            message=clean(message[:_MESSAGE]),
            file=file,
            command=again,
        )

    def _relative(self, file: str) -> str:
        path = Path(file)
        if not file or not path.is_relative_to(self._folder):
            return file
        return path.relative_to(self._folder).as_posix()

    def outcome(self, *, interrupted: bool) -> RunOutcome:
        """Return the record."""
        failures = self._counts["failed"] + self._counts["errors"]
        return RunOutcome(
            passed=self._counts["passed"],
            failed=self._counts["failed"],
            errors=self._counts["errors"],
            skipped=self._counts["skipped"],
            expected=self._counts["expected"],
            interrupted=interrupted,
            failures=tuple(self._failures),
            left_out=failures - len(self._failures),
        )
