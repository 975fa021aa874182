"""The gate: its stages in their order, and the report of one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from ic_harness.networks import Network
from ic_harness.testing.results import Outcome, Report, StageResult, Subject

from .acceptance import Acceptances
from .budgets import judge_budgets
from .build import NO_ARGUMENT, Build
from .findings import Findings, run_stage
from .ground import Ground
from .interface import judge_compatibility, judge_interface
from .judging import judge_guarantees, left_out
from .order import Order
from .rehearsal import rehearse_back_out, rehearse_upgrade
from .run import Run, Watch, nobody
from .suite import Suite
from .suites import suite_of
from .verdict import GUARANTEES_STAGE, decide
from .wasm import judge_wasm

StageFunction = Callable[[Run, Findings], None]

STAGES: Final[dict[str, StageFunction]] = {
    "Wasm": judge_wasm,
    "Interface": judge_interface,
    "Candid upgrade": judge_compatibility,
    "Upgrade": rehearse_upgrade,
    "Back-out": rehearse_back_out,
    GUARANTEES_STAGE: judge_guarantees,
    "Budgets": judge_budgets,
}
"""The stages by name, in the order in which they run; each goes on from what earlier ones left in the `Run`."""


def stages_of(suite: Suite) -> Mapping[str, StageFunction]:
    """Return the stages of a run in their order: those of every canister, and before Guarantees the suite's own."""
    found: dict[str, StageFunction] = {}
    for name, stage in STAGES.items():
        if name == GUARANTEES_STAGE:
            found |= suite.stages
        found[name] = stage
    return found


def run_gate(order: Order, network: Network, watch: Watch = nobody) -> Report:
    """Judge a build, or a running canister, on `network`, and tell everything that was found.

    Stages that need what is not there are skipped by name. Errors of the network and bugs of a check end as parts
    of the report, and so do canisters that could not be deleted afterwards.
    """
    started = time.perf_counter()
    ground = Ground(network, order.salt)
    suite = order.suite or suite_of(order.subject, network, order.canister).load()
    run = Run(
        order=_with_arguments(order, suite, ground),
        ground=ground,
        suite=suite,
        acceptances=Acceptances(order.acceptances, order.today),
        watch=watch,
        canister=order.canister,
    )
    try:
        stages = [_stage(run, name, stage) for name, stage in stages_of(suite).items()]
    finally:
        left = ground.close()
    if left:  # no reason against the canister, but somebody pays for what stays
        stages.append(StageResult(name="Tidying up", outcome=Outcome.SKIPPED, findings=tuple(left)))
    return _report(run, stages, time.perf_counter() - started)


def _with_arguments(order: Order, suite: Suite, ground: Ground) -> Order:
    """Let the suite supply the arguments of `init` and `post_upgrade` that the user did not give."""

    def completed(build: Build) -> Build:
        argument = suite.init_argument(build, ground.shared) if build.argument == NO_ARGUMENT else None
        upgrade = suite.upgrade_argument(build, ground.shared) if build.upgrade_argument is None else None
        return replace(
            build,
            argument=build.argument if argument is None else argument,
            upgrade_argument=build.upgrade_argument if upgrade is None else upgrade,
        )

    baseline = completed(order.baseline) if order.baseline is not None else None
    return replace(order, subject=completed(order.subject), baseline=baseline)


def _stage(run: Run, name: str, stage: StageFunction) -> StageResult:
    run.watch(name, 0, 0)
    return run_stage(name, partial(stage, run), run.acceptances)


def _report(run: Run, stages: list[StageResult], seconds: float) -> Report:
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
        seconds=seconds,
    )


def _subject(run: Run) -> Subject:
    subject, baseline = run.order.subject, run.order.baseline
    return Subject(
        canister=subject.name,
        network=run.ground.network.name,
        generation=run.generation or "unknown",
        started=run.order.started,
        wasm_sha256=subject.sha256,
        wasm_size=len(subject.wasm) if subject.wasm is not None else None,
        baseline=baseline.name if baseline is not None else None,
    )
