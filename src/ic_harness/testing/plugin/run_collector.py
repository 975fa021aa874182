"""`--ic-report`: collects the results of guarantee tests from every worker into the report of the run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import median_low
from typing import Final

import pytest

from ic_harness.bundled import default_canister
from ic_harness.testing.gate import decide, suite_named, unselected
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.report import from_json, write_report
from ic_harness.testing.results import CallSequence, CheckResult, Figure, MethodCost, Report, Subject
from ic_harness.text import for_log, one_line, readable
from ic_harness.urls import public_url

from .call_metrics import MethodMetrics
from .gas_recorder import GasRecorder, change_words
from .options import Options
from .reporting import METHOD_METRICS, RESULTS
from .sequence_reports import SEQUENCE, sequence_from

_SEQUENCES: Final = 50
"""The most sequence diagrams in a report."""

_GAS_SHOWN: Final = 20
"""Lines of `--ic-gas` that differ and are shown in the report."""


class RunCollector:
    """Collects the results of all tests and writes the report of the run into `folder`."""

    def __init__(self, options: Options, folder: Path, gas: GasRecorder | None = None) -> None:
        self._options = options
        self._gas = gas
        self._folder = folder
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._found: list[Report] = []
        self._uses: list[MethodMetrics] = []
        self._sequences: list[CallSequence] = []
        self._written: Path | None = None
        self._verdict = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the results of a test."""
        text = vars(report).get(RESULTS)
        if text is not None:
            self._found.append(from_json(text))
            self._uses += [MethodMetrics(*values) for values in vars(report).get(METHOD_METRICS, ())]
        drawn = vars(report).get(SEQUENCE)
        if drawn is not None and len(self._sequences) < _SEQUENCES:
            self._sequences.append(sequence_from(drawn))

    def pytest_sessionfinish(self) -> None:
        """Write the report, if any test found something."""
        if self._found:
            report = self.report()
            self._written = write_report(report, self._folder)[0]
            self._verdict = ": ".join([report.verdict.value, *report.refusals[:1]])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict, and where the report is."""
        if self._written is None:
            terminalreporter.write_line("no report: no test of a guarantee was run")
            return
        terminalreporter.write_line(for_log(one_line(f"verdict: {self._verdict}")))
        terminalreporter.write_line(f"report: {self._written}")

    def report(self) -> Report:
        """The report of the whole run."""
        catalogue = self._catalogue()
        order = list(catalogue)
        checks = sorted(
            (check for found in self._found for check in found.checks),
            key=lambda check: (order.index(check.guarantee.id), check.check),
        )
        verdict, refusals = decide((), checks, self._left_out(checks, catalogue), catalogue)
        return Report(
            subject=self._subject(),
            verdict=verdict,
            refusals=refusals,
            checks=tuple(checks),
            costs=self._costs(),
            suite=self._suites[0] if len(self._suites) == 1 else None,
            catalogue=tuple(catalogue.values()),
            figures=(*(figure for found in self._found for figure in found.figures), *self._gas_figures()),
            timelines=tuple(timeline for found in self._found for timeline in found.timelines),
            sequences=tuple(self._sequences) or None,
            seconds=time.perf_counter() - self._clock,
        )

    def _catalogue(self) -> Mapping[str, Guarantee]:
        """All guarantees that the tests of the run could have been about, in the order of their catalogues."""
        known: dict[str, Guarantee] = {}
        for found in self._found:
            known |= {it.id: it for it in found.catalogue or () if it.id not in known}
        return known

    @property
    def _suites(self) -> list[str]:
        """The names of the suites that ran, each once."""
        return list(dict.fromkeys(found.suite for found in self._found if found.suite is not None))

    def _left_out(self, checks: Sequence[CheckResult], catalogue: Mapping[str, Guarantee]) -> Sequence[str]:
        """The guarantees without a result: of a suite those that lack one check, of others those that lack any."""
        judged = {check.guarantee.id for check in checks}
        missing = {id_ for id_ in catalogue if id_ not in judged}
        for name in self._suites:
            suite = suite_named(name).load()
            missing |= set(unselected(checks, suite.checks, suite.catalogue))
        return [id_ for id_ in catalogue if id_ in missing]

    def _name(self) -> str:
        """Return the subject's name without options: the bundled canister, or the canisters that the tests deploy."""
        bundled = default_canister() if all(found.suite for found in self._found) else None
        return bundled.title if bundled is not None else "canisters of the tests"

    def _subject(self) -> Subject:
        options = self._options
        wasm = options.wasm.read_bytes() if options.wasm is not None else None
        name = readable(options.wasm.name) if options.wasm is not None else options.canister_id
        return Subject(
            canister=name or self._name(),
            network=public_url(options.network),
            generation=next((f.subject.generation for f in self._found if f.subject.generation), "unknown"),
            started=self._started.isoformat(timespec="seconds"),
            wasm_sha256=sha256(wasm).hexdigest() if wasm is not None else None,
            wasm_size=len(wasm) if wasm is not None else None,
        )

    def _gas_figures(self) -> list[Figure]:
        """Return the result of `--ic-gas`, where it was given, and the lines that differ."""
        if self._gas is None:
            return []
        found = self._gas.differences()
        shown = [
            Figure(name=f"{it.entry.test} {it.entry.subject}", value=change_words(it))
            for it in found[:_GAS_SHOWN]
        ]
        more = [Figure(name="More lines that differ", value=str(len(found) - _GAS_SHOWN))]
        head = Figure(name="Instructions of tests", value=self._gas.summary())
        return [head, *shown, *(more if len(found) > _GAS_SHOWN else [])]

    def _costs(self) -> tuple[MethodCost, ...]:
        """Return the cost of each method over all tests, the most expensive first."""
        calls: dict[str, list[int]] = {}
        cycles: dict[str, int] = {}
        for use in self._uses:
            calls.setdefault(use.method, []).extend(use.instructions)
            cycles[use.method] = cycles.get(use.method, 0) + use.cycles
        costs = [
            MethodCost(
                method=method,
                calls=len(used),
                median=median_low(used),
                dearest=max(used),
                cycles=cycles[method],
            )
            for method, used in calls.items()
        ]
        return tuple(sorted(costs, key=lambda cost: -cost.median))
