"""Sequence diagrams for `--ic-report`: of tests that are marked to be recorded, and of recorded tests that fail."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import pytest

from ic_harness.errors import HarnessError
from ic_harness.networks import EmbeddedNetwork
from ic_harness.testing.results import CallSequence, SequenceArrow
from ic_harness.testing.sequences import call_sequence

from .limits import history_of
from .reporting import RUNNING

SEQUENCE: Final = "ic_sequence"
"""The attribute of a report with the test's sequence, as plain values that workers can send."""


class SequenceReports:
    """Adds the calls of a test to its report."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the sequence before the network is put back."""
        report = yield
        running = item.stash.get(RUNNING, None)
        if call.when == "call" and running is not None and (report.failed or history_of(item)):
            network, names, start = running
            if isinstance(network, EmbeddedNetwork) and network.recorder is not None:
                found = _sequence(item.nodeid, network, names, start)
                if found is not None:
                    vars(report)[SEQUENCE] = found
        return report


def _sequence(test: str, network: EmbeddedNetwork, names: Any, start: int) -> list[Any] | None:
    """The calls of one test as plain values; None where the history cannot be shown."""
    try:
        messages = [message for message in network.history.messages if message.event >= start]
    except HarnessError:
        return None  # a history beyond its bounds has no diagram; the failure file says so
    chart = call_sequence(test, messages, names)
    arrows = [[it.number, it.source, it.target, it.kind, it.label, it.detail] for it in chart.arrows]
    return [chart.title, list(chart.participants), arrows, chart.left_out]


def sequence_from(plain: list[Any]) -> CallSequence:
    """Return the sequence that a report carries."""
    title, participants, arrows, left_out = plain
    return CallSequence(
        title=title,
        participants=tuple(participants),
        arrows=tuple(
            SequenceArrow(number=number, source=source, target=target, kind=kind, label=label, detail=detail)
            for number, source, target, kind, label, detail in arrows
        ),
        left_out=left_out,
    )
