"""Searches for `--ic-report`: what crash sweeps, explored orders and fuzzing did in a test."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

import pytest

from ic_harness.testing.gas import name_of_test
from ic_harness.testing.measured import SearchResult
from ic_harness.testing.report.json_ import record_from_plain, record_to_plain
from ic_harness.testing.searches import collecting_searches

SEARCHES: Final = "ic_searches"
"""The attribute of a report with the test's searches, as plain values that workers can send."""
_FOUND: Final[pytest.StashKey[list[SearchResult]]] = pytest.StashKey()


class SearchReports:
    """Adds the searches of a test to its report."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Collect what ends during the test."""
        with collecting_searches() as found:
            item.stash[_FOUND] = found
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add them, each with the test and the command that runs it again."""
        report = yield
        found = item.stash.get(_FOUND, [])
        if call.when == "call" and found:
            name = name_of_test(item.nodeid)
            command = f"pytest {shlex.quote(name)}"
            vars(report)[SEARCHES] = [
                record_to_plain(replace(it, test=name, command=it.command or command)) for it in found
            ]
        return report


def searches_from(plain: list[Any]) -> list[SearchResult]:
    """Return the searches that a report carries."""
    return [record_from_plain(SearchResult, it) for it in plain]
