"""The gate: its stages in their order, and the report of one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from ic_harness.conformance.results import Outcome, Report, StageResult, Subject
from ic_harness.networks import Network

from .acceptance import Acceptances
from .budgets import judge_budgets
from .findings import Findings, run_stage
from .ground import Ground
from .interface import judge_compatibility, judge_interface
from .order import Order
from .photos import show_photos
from .rehearsal import rehearse_back_out, rehearse_upgrade
from .run import Run, Watch, nobody
from .suite import judge_guarantees, left_out
from .verdict import GUARANTEES_STAGE, decide
from .wasm import judge_wasm

StageFunction = Callable[[Run, Findings], None]

STAGES: Final[dict[str, StageFunction]] = {
    "Wasm": judge_wasm,
    "Interface": judge_interface,
    "Candid upgrade": judge_compatibility,
    "Upgrade": rehearse_upgrade,
    "Back-out": rehearse_back_out,
    "Photos": show_photos,
    GUARANTEES_STAGE: judge_guarantees,
    "Budgets": judge_budgets,
}
"""The stages by name, in the order in which they run; each goes on from what earlier ones left in the `Run`."""


def run_gate(order: Order, network: Network, watch: Watch = nobody) -> Report:
    """Judge a build, or a running canister, on `network`, and tell everything that was found.

    Stages that need what is not there are skipped by name. Errors of the network and bugs of a check end as parts
    of the report, and so do canisters that could not be deleted afterwards.
    """
    started = time.perf_counter()
    ground = Ground(network, order.salt)
    run = Run(
        order=order,
        ground=ground,
        acceptances=Acceptances(order.acceptances, order.today),
        watch=watch,
        canister=order.canister,
    )
    try:
        stages = [_stage(run, name) for name in STAGES]
    finally:
        left = ground.close()
    if left:  # no reason against the canister, but somebody pays for what stays
        stages.append(StageResult(name="Tidying up", outcome=Outcome.SKIPPED, findings=tuple(left)))
    return _report(run, stages, time.perf_counter() - started)


def _stage(run: Run, name: str) -> StageResult:
    run.watch(name, 0, 0)
    return run_stage(name, partial(STAGES[name], run), run.acceptances)


def _report(run: Run, stages: list[StageResult], seconds: float) -> Report:
    verdict, refusals = decide(stages, run.checks, left_out(run))
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
