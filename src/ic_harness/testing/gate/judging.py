"""Stage "Guarantees": every check of the suite on the canister under judgement, each in a state of its own."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ic_harness.networks import Capability
from ic_harness.testing.assertions import NotApplicableError, UnmetNeedError
from ic_harness.testing.check import Check
from ic_harness.testing.results import CheckResult, Outcome

from .run import GateRun
from .stage_log import StageLog
from .verdict import headline, unselected

_WORDS: Final = {
    Outcome.PASSED: ("holds", "hold"),
    Outcome.FAILED: ("is broken", "are broken"),
    Outcome.ACCEPTED: ("is broken and accepted", "are broken and accepted"),
    Outcome.SKIPPED: ("was skipped", "were skipped"),
    Outcome.NOT_APPLICABLE: ("is not applicable", "are not applicable"),
    Outcome.ERROR: ("could not be judged", "could not be judged"),
}
"""The verb for one guarantee, and for several."""
_WORST_FIRST: Final = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.ACCEPTED,
    Outcome.PASSED,
    Outcome.SKIPPED,
    Outcome.NOT_APPLICABLE,
)


def judge_guarantees(run: GateRun, log: StageLog) -> None:
    """Run every check and keep its result in `run.checks`; broken guarantees are faults of this stage too."""
    run.judged_canister()
    checks = run.suite.checks
    if not checks:
        raise NotApplicableError(
            f"the {run.suite.name} suite has no guarantees here; state some in [gate] guarantees"
        )
    for number, check in enumerate(checks):
        run.progress(check.guarantee.id, number, len(checks))
        run.checks.append(run.acceptances.apply(_check(run, check)))
    _tell(run, log)


def _check(run: GateRun, check: Check) -> CheckResult:
    with run.sandbox.network.anchored():
        return run.suite.run_check(check, run.judged(check.name))


def _tell(run: GateRun, log: StageLog) -> None:
    for result in run.checks:
        if result.outcome in (Outcome.FAILED, Outcome.ACCEPTED):
            log.fault(headline(result), result.guarantee.id)
    by_guarantee = guarantee_outcomes(run.checks)
    counts = Counter(by_guarantee.values())
    said = ", ".join(
        f"{counts[outcome]} {_WORDS[outcome][counts[outcome] > 1]}"
        for outcome in _WORST_FIRST
        if counts[outcome]
    )
    log.note(f"{len(by_guarantee)} guarantees: {said}")
    if run.suite.untested:
        log.note(f"no test proves or refutes {', '.join(run.suite.untested)}")
    for id_ in run.acceptances.needless(run.checks):
        log.note(f"{id_} is accepted although it holds: take its acceptance away")
    if run.request.canister is not None and Capability.SNAPSHOT not in run.sandbox.network.capabilities:
        log.note(f"what the checks stored stays there: {run.sandbox.network.name} takes no snapshots")
    if not {Outcome.PASSED, Outcome.FAILED, Outcome.ACCEPTED, Outcome.ERROR} & set(counts):
        reason = run.checks[0].message if run.checks else "there are no checks"
        raise UnmetNeedError(f"no guarantee could be judged: {reason}")


def left_out(run: GateRun) -> tuple[str, ...]:
    """Return the guarantees of which at least one check was not run."""
    return unselected(run.checks, run.suite.checks, run.suite.catalogue)


def guarantee_outcomes(checks: list[CheckResult]) -> dict[str, Outcome]:
    """The outcome of each guarantee: the worst of its checks."""
    worst: dict[str, Outcome] = {}
    for result in checks:
        id_ = result.guarantee.id
        known = worst.get(id_, result.outcome)
        worst[id_] = min(known, result.outcome, key=_WORST_FIRST.index)
    return worst
