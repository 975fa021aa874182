"""Running a check on its stage: whatever happens becomes a result that can be shown.

Faults of the canister, lacks of the network and of the interface, and bugs of a check are told apart here,
once for pytest, for the gate and for whoever calls checks directly.
"""

from __future__ import annotations

import time
import traceback
from typing import Final

from ic_harness.errors import HarnessError, NotInGenerationError, RejectError, UnknownBackendError

from .checks import Check
from .expectations import (
    REFUSALS,
    BrokenGuaranteeError,
    NotApplicableError,
    UnmetNeedError,
    lacks_method,
    no_method,
)
from .guarantees import Severity
from .results import CheckResult, Outcome
from .stage import Stage

SEVERITIES: Final = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "high",
    Severity.MEDIUM: "medium",
    Severity.LOW: "low",
}
"""How a severity is called in a sentence."""
_FORESEEN: Final[dict[type[Exception], Outcome]] = {
    BrokenGuaranteeError: Outcome.FAILED,
    UnmetNeedError: Outcome.SKIPPED,
    NotApplicableError: Outcome.NOT_APPLICABLE,
    NotInGenerationError: Outcome.NOT_APPLICABLE,
    UnknownBackendError: Outcome.ERROR,
}
"""The ways in which a check ends on purpose; the error's text is the result's message."""


def run_check(check: Check, stage: Stage) -> CheckResult:
    """Run a check and tell what it found, with the calls it made and what the canister printed meanwhile.

    Raises nothing on purpose: an error that is neither the canister's nor foreseen ends as `Outcome.ERROR`, with
    its traceback in the message. An unexpected refusal or reject by the canister breaks the guarantee.
    """
    started = time.perf_counter()
    outcome, message = _judge(check, stage)
    return CheckResult(
        guarantee=check.guarantee,
        check=check.name,
        outcome=outcome,
        message=message,
        story=stage.story.steps,
        logs=stage.printed(),
        seconds=time.perf_counter() - started,
    )


def _judge(check: Check, stage: Stage) -> tuple[Outcome, str]:
    try:
        check.run(stage)
    except tuple(_FORESEEN) as error:
        return next(outcome for kind, outcome in _FORESEEN.items() if isinstance(error, kind)), str(error)
    except REFUSALS as error:
        return _unforeseen(error)
    except Exception:  # noqa: BLE001 - reported as what it is: the check could not run
        return Outcome.ERROR, f"the check itself could not run:\n{traceback.format_exc()}"
    return Outcome.PASSED, ""


def _unforeseen(error: HarnessError) -> tuple[Outcome, str]:
    """Judge an answer that the check did not expect at that place: a step that every backend must be able to do."""
    if isinstance(error, RejectError) and lacks_method(error):
        return Outcome.NOT_APPLICABLE, no_method(error)
    return (
        Outcome.FAILED,
        f"{error}\nA call that leads to the guarantee did not succeed, so it cannot be kept.",
    )


def describe(result: CheckResult) -> str:
    """Tell a canister developer what a failed check found, what it means, and the calls that led there."""
    guarantee = result.guarantee
    if result.outcome is Outcome.ERROR:
        return f"{guarantee.id} could not be judged: {result.message}"
    what, _, meaning = result.message.partition("\n")
    lines = [
        f"{guarantee.id} is broken ({SEVERITIES[guarantee.severity]}): {what}",
        *(f"What it means: {line}" for line in meaning.splitlines()[:1]),
        *meaning.splitlines()[1:],
        f"The guarantee: {guarantee.text}.",
    ]
    if result.story:
        lines += ["", "The calls, the last one last:", *(f"  {step}" for step in result.story)]
    if result.logs:
        lines += ["", "What the canister printed:", *(f"  {line}" for line in result.logs)]
    return "\n".join(lines)
