"""`--ic-failures`: what a failing test leaves behind, so that its failure can be shown again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Final

import pytest

from ic_harness.errors import InputError
from ic_harness.history import FAILURE_SUFFIX, FailedTest, failure_of, write_failure
from ic_harness.networks import EmbeddedNetwork, Network
from ic_harness.principal import Principal
from ic_harness.text import for_log

from .reporting import RUNNING

_NAME: Final = 80
"""Characters of a test's id in the name of its file."""
_MESSAGE: Final = 4_000
FAILURE_FILE: Final = "ic_failure_file"
"""The attribute of a report with the path of the test's failure file."""
_SECTION: Final = "failure file"


class FailureFiles:
    """Writes a file into `folder` for each test that fails. Every worker writes those of its own tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the file before the network is put back, and add where it is to the report."""
        report = yield
        running = item.stash.get(RUNNING, None)
        if report.failed and call.when != "teardown" and running is not None and call.excinfo is not None:
            test = _failed_test(item, report, call.excinfo)
            words, path = self._write(test, running[0], running[1].items())
            report.sections.append((_SECTION, for_log(words)))
            if path is not None:
                vars(report)[FAILURE_FILE] = str(path)
        return report

    def _write(
        self, test: FailedTest, network: Network, names: Iterable[tuple[Principal, str]]
    ) -> tuple[str, Path | None]:
        """Write the file; returns what the report says of it, and where it is."""
        recorder = network.recorder if isinstance(network, EmbeddedNetwork) else None
        if recorder is None:
            return "none was written: the network is not recorded", None
        if recorder.overflow:
            return f"none was written: {recorder.overflow}", None
        path = self._folder / file_name(test.name)
        try:
            write_failure(path, failure_of(test, recorder.setup, recorder.events, names))
        except InputError as error:
            return f"none was written: {error}", None
        return f"{path}\nShow the failure again: ic-harness replay {path}", path


def file_name(test: str) -> str:
    """Return the name of the file of a test: its id, shortened, and the beginning of the id's hash."""
    plain = re.sub(r"[^\w.-]+", "-", test, flags=re.ASCII).strip("-.")
    return f"{plain[-_NAME:]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}{FAILURE_SUFFIX}"


def _failed_test(
    item: pytest.Item, report: pytest.TestReport, error: pytest.ExceptionInfo[BaseException]
) -> FailedTest:
    crash = getattr(report.longrepr, "reprcrash", None)
    where = "" if crash is None else f"{_relative(Path(crash.path), item.config.rootpath)}:{crash.lineno}"
    return FailedTest(
        name=item.nodeid,
        error=error.typename,
        message=str(error.value)[:_MESSAGE] or error.exconly()[:_MESSAGE],
        where=where,
    )


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
