"""What a test's report tells of canisters: their log, and the figures behind `--ic-profile`."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import pytest

from .guarantees import findings_of

if TYPE_CHECKING:
    from ic_harness.testing.collecting import Findings

    from .watch import Watch

USES: Final = "ic_uses"
"""The attribute of a report that holds what the test called; plain values, so that workers can send it."""

FINDINGS: Final = "ic_findings"
"""The attribute of a report that holds what a test of a guarantee found, as text."""
FOUND: Final[pytest.StashKey[Findings]] = pytest.StashKey()
"""Where the findings of a test lie in its item."""
WATCH: Final[pytest.StashKey[Watch]] = pytest.StashKey()
"""Where the watch of a test lies in its item."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the section "canister log" to the report, and the figures where they are wanted."""
    report = yield
    watch = item.stash.get(WATCH, None)
    counts = call.when == "call" or (call.when == "setup" and not report.passed)
    log = watch.log() if watch is not None and counts else ""
    if log:
        report.sections.append(("canister log", log))
    if item.config.getoption("ic_report"):
        own = findings_of(item, call, report, log)
        findings = (
            own if own is not None else item.stash.get(FOUND, None) if watch is not None and counts else None
        )
        if findings is not None:
            vars(report)[FINDINGS] = findings.as_text()
    if watch is not None and counts and (item.config.getoption("ic_profile") or FINDINGS in vars(report)):
        vars(report)[USES] = [use.plain() for use in watch.uses()]
    return report
