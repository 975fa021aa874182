"""The gate: its stages in their order, and the report of one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from ic_harness.networks import Network
from ic_harness.testing.measured import Measured, SearchResult
from ic_harness.testing.results import Outcome, Report, StageResult, Subject
from ic_harness.testing.searches import collecting_searches

from .acceptance import Acceptances
from .budgets import judge_budgets
from .build import NO_ARGUMENT, Build
from .interface import judge_compatibility, judge_interface
from .judging import judge_guarantees, left_out
from .rehearsal import rehearse_back_out, rehearse_upgrade
from .request import GateRequest
from .run import GateRun, ProgressCallback, no_progress
from .sandbox import Sandbox
from .stage_log import StageLog, run_stage
from .suite import Suite
from .suites import suite_of
from .verdict import GUARANTEES_STAGE, decide
from .wasm import judge_wasm

_SEARCHES: Final = 200
"""Searches of the user's functions in the report."""

StageFunction = Callable[[GateRun, StageLog], None]

STAGES: Final[dict[str, StageFunction]] = {
    "Wasm": judge_wasm,
    "Interface": judge_interface,
    "Candid upgrade": judge_compatibility,
    "Upgrade": rehearse_upgrade,
    "Back-out": rehearse_back_out,
    GUARANTEES_STAGE: judge_guarantees,
    "Budgets": judge_budgets,
}
"""The stages by name, in the order in which they run; each goes on from what earlier ones left in the `GateRun`."""


def stages_of(suite: Suite) -> Mapping[str, StageFunction]:
    """Return the stages of a run in their order: those of every canister, and before Guarantees the suite's own."""
    found: dict[str, StageFunction] = {}
    for name, stage in STAGES.items():
        if name == GUARANTEES_STAGE:
            found |= suite.stages
        found[name] = stage
    return found


def run_gate(request: GateRequest, network: Network, progress: ProgressCallback = no_progress) -> Report:
    """Judge a build, or a running canister, on `network`, and return the report.

    A stage whose needs are not met is skipped with the reason. Errors of the network, bugs of a check, and canisters
    that could not be deleted afterwards become parts of the report.
    """
    started = time.perf_counter()
    sandbox = Sandbox(network, request.salt)
    suite = request.suite or suite_of(request.subject, network, request.canister).load()
    run = GateRun(
        request=_with_arguments(request, suite, sandbox),
        sandbox=sandbox,
        suite=suite,
        acceptances=Acceptances(request.acceptances, request.today),
        progress=progress,
        canister=request.canister,
    )
    try:
        with collecting_searches() as searches:
            stages = [_stage(run, name, stage) for name, stage in stages_of(suite).items()]
    finally:
        left = sandbox.close()
    if left:  # no fault of the canister, but its owner pays for what remains
        stages.append(StageResult(name="Tidying up", outcome=Outcome.SKIPPED, findings=tuple(left)))
    return _report(run, stages, searches, time.perf_counter() - started)


def _with_arguments(request: GateRequest, suite: Suite, sandbox: Sandbox) -> GateRequest:
    """Let the suite supply the arguments of `init` and `post_upgrade` that the user did not give."""

    def completed(build: Build) -> Build:
        argument = suite.init_argument(build, sandbox.shared) if build.argument == NO_ARGUMENT else None
        upgrade = suite.upgrade_argument(build, sandbox.shared) if build.upgrade_argument is None else None
        return replace(
            build,
            argument=build.argument if argument is None else argument,
            upgrade_argument=build.upgrade_argument if upgrade is None else upgrade,
        )

    baseline = completed(request.baseline) if request.baseline is not None else None
    return replace(request, subject=completed(request.subject), baseline=baseline)


def _stage(run: GateRun, name: str, stage: StageFunction) -> StageResult:
    run.progress(name, 0, 0)
    return run_stage(name, partial(stage, run), run.acceptances)


def _report(run: GateRun, stages: list[StageResult], searches: list[SearchResult], seconds: float) -> Report:
    catalogue = run.suite.catalogue
    verdict, refusals = decide(stages, run.checks, left_out(run), catalogue)
    return Report(
        subject=_subject(run),
        verdict=verdict,
        refusals=refusals,
        stages=tuple(stages),
        checks=tuple(run.checks),
        costs=tuple(run.costs),
        timelines=tuple(run.timelines),
        pictures=tuple(run.pictures),
        figures=tuple(run.figures),
        suite=run.suite.name,
        catalogue=tuple(catalogue.values()),
        measured=_measured(searches),
        seconds=seconds,
    )


def _measured(searches: list[SearchResult]) -> Measured | None:
    """Return what functions of the user searched, where they did."""
    found = tuple(replace(it, test=it.test or "a function of --module") for it in searches[:_SEARCHES])
    return Measured(searches=found) if found else None


def _subject(run: GateRun) -> Subject:
    subject, baseline = run.request.subject, run.request.baseline
    return Subject(
        canister=subject.name,
        network=run.sandbox.network.name,
        generation=run.generation or "unknown",
        started=run.request.started,
        wasm_sha256=subject.sha256,
        wasm_size=len(subject.wasm) if subject.wasm is not None else None,
        baseline=baseline.name if baseline is not None else None,
    )
