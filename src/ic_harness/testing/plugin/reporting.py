"""Adds to a test's report: the canisters' log, and the metrics for `--ic-profile`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from .guarantees import results_of
from .short_tracebacks import shorten, source_lines

if TYPE_CHECKING:
    from ic_harness.networks import Network
    from ic_harness.principal import Principal
    from ic_harness.testing.growth import Growth
    from ic_harness.testing.result_collector import ResultCollector

    from .call_metrics import CallMetrics

COMPARED: Final = "ic_compared"
"""The attribute of a report with the number of compared calls and the differences, as plain values."""

METHOD_METRICS: Final = "ic_uses"
"""The attribute of a report with the test's method metrics, as plain values that workers can send."""

GAS: Final = "ic_gas"
"""The attribute of a passed test's report with its method metrics for `--ic-gas`, or why it has none, as a text."""
RESULTS: Final = "ic_findings"
"""The attribute of a report with the results of a test of a guarantee, as JSON text."""
GROWTH_REPORT: Final = "ic_growth"
"""The attribute of a report with what the fixture `grow` measured, as plain values."""
GROWTH: Final[pytest.StashKey[list[Growth]]] = pytest.StashKey()
"""The key of what a test measured with the fixture `grow` in its item's stash."""
COLLECTOR: Final[pytest.StashKey[ResultCollector]] = pytest.StashKey()
"""The key of a test's results in its item's stash."""
METRICS: Final[pytest.StashKey[CallMetrics]] = pytest.StashKey()
"""The key of a test's metrics in its item's stash."""
RUNNING: Final[pytest.StashKey[tuple[Network, Mapping[Principal, str], int]]] = pytest.StashKey()
"""The key of a test's network, the names of its canisters, and where its recording began, in its item's stash."""


def recorded_events(network: Network) -> int:
    """Return how many events the recording of a network has; 0 where there is none."""
    recorder = getattr(network, "recorder", None)
    return 0 if recorder is None else len(recorder.events)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the section "canister log" to the report, and the metrics where an option asks for them."""
    if call.excinfo is not None:
        shorten(call.excinfo, item.config)
    report = yield
    journal: Any = getattr(_network(item), "journal", None)
    if journal is not None:
        calls, found = journal.take()
        vars(report)[COMPARED] = [calls, [[it.kind, it.place, it.first, it.second] for it in found]]
    metrics = item.stash.get(METRICS, None)
    counts = call.when == "call" or (call.when == "setup" and not report.passed)
    lines = source_lines(call.excinfo) if call.excinfo is not None and report.failed else []
    if lines:
        report.sections.append(("source lines of the trap", "\n".join(lines)))
    log = metrics.log() if metrics is not None and counts else ""
    if log:
        report.sections.append(("canister log", log))
    if item.config.getoption("ic_report"):
        own = results_of(item, call, report, log)
        results = (
            own
            if own is not None
            else item.stash.get(COLLECTOR, None)
            if metrics is not None and counts
            else None
        )
        if results is not None:
            vars(report)[RESULTS] = results.as_text()
    if call.when == "call" and report.passed and item.config.getoption("ic_gas"):
        incomplete = metrics.incomplete if metrics is not None else ""
        uses = metrics.uses() if metrics is not None else []
        vars(report)[GAS] = incomplete or [use.plain() for use in uses]
    growths = item.stash.get(GROWTH, [])
    if growths and call.when == "call" and item.config.getoption("ic_growth"):
        from ic_harness.testing.growth.measure import to_plain  # lazy: start-up time  # noqa: PLC0415

        vars(report)[GROWTH_REPORT] = [to_plain(growth) for growth in growths]
    wanted = item.config.getoption("ic_profile") or item.config.getoption("ic_report")
    if metrics is not None and counts and wanted:
        vars(report)[METHOD_METRICS] = [use.plain() for use in metrics.uses()]
    return report


def _network(item: pytest.Item) -> Any:
    """Return the network of a test that has one."""
    return getattr(item, "funcargs", {}).get("ic_network")
