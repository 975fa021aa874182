"""Stage "Guarantees": every check of the suite on the canister under judgement, each in a state of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from ic_harness.agent import Management
from ic_harness.conformance.checks import CHECKS, Check
from ic_harness.conformance.expectations import UnmetNeedError
from ic_harness.conformance.results import CheckResult, Outcome
from ic_harness.conformance.running import run_check
from ic_harness.errors import RejectError
from ic_harness.networks import Capability
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .findings import Findings
from .run import Run
from .verdict import headline, unselected

_WORDS: Final = {
    Outcome.PASSED: ("holds", "hold"),
    Outcome.FAILED: ("is broken", "are broken"),
    Outcome.ACCEPTED: ("is broken and accepted", "are broken and accepted"),
    Outcome.SKIPPED: ("was skipped", "were skipped"),
    Outcome.NOT_APPLICABLE: ("is not applicable", "are not applicable"),
    Outcome.ERROR: ("could not be judged", "could not be judged"),
}
"""What is said of one guarantee, and of several."""
_WORST_FIRST: Final = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.ACCEPTED,
    Outcome.PASSED,
    Outcome.SKIPPED,
    Outcome.NOT_APPLICABLE,
)


def judge_guarantees(run: Run, findings: Findings) -> None:
    """Run every check and keep its result in `run.checks`; broken guarantees are faults of this stage too."""
    canister = run.judged_canister()
    controller, upgrade = _controller(run, canister), _upgrade(run, canister)
    for number, check in enumerate(CHECKS):
        run.watch(check.guarantee.id, number, len(CHECKS))
        run.checks.append(run.acceptances.apply(_check(run, canister, check, controller, upgrade)))
    _tell(run, findings)


def _check(
    run: Run,
    canister: Principal,
    check: Check,
    controller: Identity | None,
    upgrade: Callable[[], None] | None,
) -> CheckResult:
    with run.ground.network.anchored():
        stage = run.ground.stage(canister, check.name, controller=controller, upgrade=upgrade)
        stage.target = run.order.subject.place
        return run_check(check, stage)


def _controller(run: Run, canister: Principal) -> Identity | None:
    """Whoever may steer the canister: who installed it, or who was named and is a controller indeed."""
    if run.order.canister is None:
        return run.ground.network.deployer
    named = run.order.controller
    if named is None:
        return None
    try:
        Management(run.ground.network.agent(named)).canister_status(canister)
    except RejectError:
        return None
    return named


def _upgrade(run: Run, canister: Principal) -> Callable[[], None] | None:
    if run.order.subject.wasm is None or Capability.UPGRADE not in run.ground.network.capabilities:
        return None
    return partial(run.ground.upgrade, canister, run.order.subject)


def _tell(run: Run, findings: Findings) -> None:
    for result in run.checks:
        if result.outcome in (Outcome.FAILED, Outcome.ACCEPTED):
            findings.fault(headline(result), result.guarantee.id)
    by_guarantee = guarantee_outcomes(run.checks)
    counts = Counter(by_guarantee.values())
    said = ", ".join(
        f"{counts[outcome]} {_WORDS[outcome][counts[outcome] > 1]}"
        for outcome in _WORST_FIRST
        if counts[outcome]
    )
    findings.note(f"{len(by_guarantee)} guarantees: {said}")
    for id_ in run.acceptances.needless(run.checks):
        findings.note(f"{id_} is accepted although it holds: take its acceptance away")
    if run.order.canister is not None and Capability.SNAPSHOT not in run.ground.network.capabilities:
        findings.note(f"what the checks stored stays there: {run.ground.network.name} takes no snapshots")
    if not {Outcome.PASSED, Outcome.FAILED, Outcome.ACCEPTED, Outcome.ERROR} & set(counts):
        reason = run.checks[0].message if run.checks else "there are no checks"
        raise UnmetNeedError(f"no guarantee could be judged: {reason}")


def left_out(run: Run) -> tuple[str, ...]:
    """The guarantees of which this run should have made every check, and did not."""
    return unselected(run.checks, CHECKS)


def guarantee_outcomes(checks: list[CheckResult]) -> dict[str, Outcome]:
    """The outcome of each guarantee: the worst of its checks."""
    worst: dict[str, Outcome] = {}
    for result in checks:
        id_ = result.guarantee.id
        known = worst.get(id_, result.outcome)
        worst[id_] = min(known, result.outcome, key=_WORST_FIRST.index)
    return worst
