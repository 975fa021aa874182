"""From findings to a decision: pass, refused, or could not run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from ic_harness.testing.check import Check
from ic_harness.testing.guarantees import Severity
from ic_harness.testing.results import CheckResult, Outcome, StageResult, Verdict
from ic_harness.testing.runner import SEVERITIES

GUARANTEES_STAGE: Final = "Guarantees"
"""The stage whose faults are shown by its checks, and not a second time."""

_RANKS: Final = {Severity.CRITICAL: 0, Severity.HIGH: 2, Severity.MEDIUM: 3, Severity.LOW: 4}
_STAGE_RANK: Final = 1
_NAMED: Final = 8
_JUDGED: Final = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.ACCEPTED})


def decide(
    stages: Sequence[StageResult],
    checks: Sequence[CheckResult],
    left_out: Sequence[str],
    catalogue: Collection[str],
) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict, and the sentences behind one that is no pass, worst first.

    Any failure refuses. Without one, an error means that the run proves nothing, and so does a run in which not a
    single guarantee could be judged. `left_out` names guarantees of which a check was not selected: without them
    nothing is said about the canister as a whole. `catalogue` has the ids of all guarantees; where there are none, a
    run in which no stage passed proves nothing.
    """
    refusals = _refusals(stages, checks)
    if refusals:
        return Verdict.REFUSED, refusals
    errors = _errors(stages, checks)
    if errors:
        return Verdict.COULD_NOT_RUN, errors
    if catalogue and not any(result.outcome in _JUDGED for result in checks):
        return Verdict.COULD_NOT_RUN, ("no guarantee could be judged", *_reasons(stages))
    if not catalogue and not any(stage.outcome in _JUDGED for stage in stages):
        return Verdict.COULD_NOT_RUN, ("no stage could judge anything", *_reasons(stages))
    if left_out:
        return Verdict.NOT_JUDGED, (_selected(left_out, len(catalogue)),)
    return Verdict.PASS, ()


def unselected(
    checks: Sequence[CheckResult], wanted: Sequence[Check], catalogue: Iterable[str]
) -> tuple[str, ...]:
    """Return the guarantees of which at least one wanted check has no result, in the order of the catalogue."""
    done = {result.check for result in checks}
    missing = {check.guarantee.id for check in wanted if check.name not in done}
    return tuple(id_ for id_ in catalogue if id_ in missing)


def _selected(left_out: Sequence[str], of: int) -> str:
    shown = ", ".join(left_out[:_NAMED]) + (", …" if len(left_out) > _NAMED else "")
    return f"{len(left_out)} of {of} guarantees were left out by selection: {shown}"


def _refusals(stages: Sequence[StageResult], checks: Sequence[CheckResult]) -> tuple[str, ...]:
    ranked = [
        (_RANKS[result.severity], _broken(result)) for result in checks if result.outcome is Outcome.FAILED
    ]
    ranked += [
        (_STAGE_RANK, f"{stage.name}: {_first_line(stage)}")
        for stage in stages
        if stage.outcome is Outcome.FAILED and stage.name != GUARANTEES_STAGE
    ]
    return tuple(text for _, text in sorted(ranked, key=lambda pair: pair[0]))


def headline(result: CheckResult) -> str:
    """Return the first line of a result: the violation without its meaning."""
    return result.message.partition("\n")[0]


def _broken(result: CheckResult) -> str:
    more = f" (and {len(result.reported) - 1} more)" if len(result.reported) > 1 else ""
    return f"{result.guarantee.id} ({SEVERITIES[result.severity]}): {headline(result)}{more}"


def _errors(stages: Sequence[StageResult], checks: Sequence[CheckResult]) -> tuple[str, ...]:
    found = [f"{stage.name}: {_first_line(stage)}" for stage in stages if stage.outcome is Outcome.ERROR]
    found += [
        f"{result.guarantee.id} could not be judged: {headline(result)}"
        for result in checks
        if result.outcome is Outcome.ERROR
    ]
    return tuple(found)


def _first_line(stage: StageResult) -> str:
    """The worst finding, without the backtrace that may follow it."""
    return "".join(stage.findings[:1]).partition("\n")[0]


def _reasons(stages: Sequence[StageResult]) -> list[str]:
    return [
        f"{stage.name}: {_first_line(stage)}"
        for stage in stages
        if stage.outcome in (Outcome.SKIPPED, Outcome.NOT_APPLICABLE) and stage.findings
    ]
