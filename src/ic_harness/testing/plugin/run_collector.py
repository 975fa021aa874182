"""`--ic-report`: collects what the tests of every worker found and measured into the report of the run."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import median_low
from typing import Final

import pytest

from ic_harness.bundled import default_canister
from ic_harness.testing.gate import decide, suite_named, unselected
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.measured import SearchResult
from ic_harness.testing.report import from_json, write_report
from ic_harness.testing.results import CallSequence, CheckResult, MethodCost, Report, Subject, Verdict
from ic_harness.text import for_log, one_line, readable
from ic_harness.urls import public_url

from .call_metrics import MethodMetrics
from .options import Options
from .reporting import METHOD_METRICS, RESULTS
from .run_measurements import is_empty, measured_by
from .run_outcomes import RunOutcomes
from .search_reports import SEARCHES, searches_from
from .sequence_reports import SEQUENCE, sequence_from

_SEQUENCES: Final = 50
"""The most sequence diagrams in a report."""


class RunCollector:
    """Collects the results of all tests and writes the report of the run into `folder`."""

    def __init__(self, config: pytest.Config, options: Options, folder: str) -> None:
        self._config = config
        self._options = options
        self._folder = config.invocation_params.dir / folder
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._found: list[Report] = []
        self._uses: list[MethodMetrics] = []
        self._sequences: list[tuple[bool, CallSequence]] = []
        self._searches: list[SearchResult] = []
        self._outcomes = RunOutcomes(config.invocation_params.dir)
        self._written: Path | None = None
        self._verdict = ""
        self._problem = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what a phase of a test found and measured."""
        self._outcomes.add(report)
        text = vars(report).get(RESULTS)
        if text is not None:
            self._found.append(from_json(text))
        self._uses += [MethodMetrics(*values) for values in vars(report).get(METHOD_METRICS, ())]
        self._searches += searches_from(vars(report).get(SEARCHES, []))
        drawn = vars(report).get(SEQUENCE)
        if drawn is not None:
            self._sequences.append((report.passed, sequence_from(drawn)))

    # After the recorders, which have trylast, and before the terminal's own wrapper, which prints the summary.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, None, None]:
        """Write the report, if any test found or measured something."""
        yield
        if self._config.getoption("collectonly", default=False):
            return
        interrupted = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        report = self.report(interrupted=interrupted)
        assert report.measured is not None
        if not (self._found or report.costs or report.sequences) and is_empty(report.measured):
            return
        try:
            self._written = write_report(report, self._folder)[0]
        except OSError as error:
            self._problem = f"the report cannot be written: {error}"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._verdict = ": ".join([report.verdict.value, *report.refusals[:1]]) if self._found else ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict, and where the report is."""
        if self._problem:
            terminalreporter.write_line(for_log(self._problem), red=True)
            return
        if self._written is None:
            terminalreporter.write_line("no report: no test of a guarantee was run, and nothing was measured")
            return
        if self._verdict:
            terminalreporter.write_line(for_log(one_line(f"verdict: {self._verdict}")))
        terminalreporter.write_line(f"report: {self._written}")

    def report(self, *, interrupted: bool = False) -> Report:
        """Return the report of the whole run, or of what an interrupted run came to."""
        catalogue = self._catalogue()
        order = list(catalogue)
        checks = sorted(
            (check for found in self._found for check in found.checks),
            key=lambda check: (order.index(check.guarantee.id), check.check),
        )
        verdict = Verdict.NOT_JUDGED
        refusals: tuple[str, ...] = ()
        if self._found:
            verdict, refusals = decide((), checks, self._left_out(checks, catalogue), catalogue)
        if interrupted and verdict is Verdict.PASS:
            verdict, refusals = Verdict.NOT_JUDGED, ("the run was interrupted",)
        sequences = sorted(self._sequences, key=lambda it: (it[0], it[1].title))
        more = len(sequences) - _SEQUENCES
        notes = [f"{more:,} more tests were recorded and have no sequence diagram."] if more > 0 else []
        notes += ["The run was interrupted: tests that had not ended are missing."] if interrupted else []
        run = self._outcomes.outcome(interrupted=interrupted)
        return Report(
            subject=self._subject(),
            verdict=verdict,
            refusals=refusals,
            checks=tuple(checks),
            costs=self._costs(),
            suite=self._suites[0] if len(self._suites) == 1 else None,
            catalogue=tuple(catalogue.values()) if self._found else None,
            figures=tuple(figure for found in self._found for figure in found.figures),
            timelines=tuple(timeline for found in self._found for timeline in found.timelines),
            sequences=tuple(drawn for _, drawn in sequences[:_SEQUENCES]) or None,
            measured=measured_by(self._config.pluginmanager, self._folder, run, self._searches, notes),
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
        suites = bool(self._found) and all(found.suite for found in self._found)
        bundled = default_canister() if suites else None
        return bundled.title if bundled is not None else "canisters of the tests"

    def _subject(self) -> Subject:
        options = self._options
        wasm = options.wasm.read_bytes() if options.wasm is not None else None
        name = readable(options.wasm.name) if options.wasm is not None else options.canister_id
        return Subject(
            canister=name or self._name(),
            network=public_url(options.network),
            generation=next(
                (f.subject.generation for f in self._found if f.subject.generation),
                "unknown" if self._found else "",
            ),
            started=self._started.isoformat(timespec="seconds"),
            wasm_sha256=sha256(wasm).hexdigest() if wasm is not None else None,
            wasm_size=len(wasm) if wasm is not None else None,
        )

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
