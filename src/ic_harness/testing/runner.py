"""Runs a check in its context and converts every outcome into a `CheckResult`.

Faults of the canister, missing abilities of the network or the interface, and bugs of a check are distinguished here,
once for pytest, for the gate and for callers who run checks themselves.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Final, Protocol

from ic_harness.errors import HarnessError, UnknownBackendError

from .assertions import (
    BrokenGuaranteeError,
    NotApplicableError,
    UnmetNeedError,
    ViolationCollector,
    collecting,
)
from .call_code import Sample, sampling
from .call_log import CallLog
from .check import Check
from .guarantees import Guarantee, Severity
from .results import CheckResult, Outcome, Violation

SEVERITIES: Final = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "high",
    Severity.MEDIUM: "medium",
    Severity.LOW: "low",
}
"""How a severity is called in a sentence; the worst comes first."""
_RANKS: Final = list(SEVERITIES)


class Checked(Protocol):
    """The object that a check runs on: a `Target`, or a suite's own context."""

    @property
    def call_log(self) -> CallLog:
        """The calls so far."""

    def printed(self) -> tuple[str, ...]:
        """Return what the canister printed meanwhile."""

    def reproduction(self, check: str, violations: Sequence[Violation], samples: Sequence[Sample]) -> str:
        """Return Python code that makes the calls again; empty where that cannot be written."""


def run_check(check: Check, context: Checked) -> CheckResult:
    """Run a check and return its result, with its calls and the canister's log lines.

    Raises nothing on purpose: an error that is neither the canister's nor foreseen ends as `Outcome.ERROR`, with
    its traceback in the message. An unexpected refusal or reject by the canister breaks the guarantee. Violations
    that were seen before an error stay: the result is then `Outcome.FAILED`, and `unfinished` has the error.
    """
    started = time.perf_counter()
    with collecting(lambda: context.call_log.count) as collected, sampling() as samples:
        crash = _run(check, context, collected)
    outcome, message = _judge(collected, crash)
    violations = _violations(check.guarantee, collected)
    return CheckResult(
        guarantee=check.guarantee,
        check=check.name,
        outcome=outcome,
        message=_text(violations) if violations else message,
        violations=violations,
        unfinished="\n".join([*collected.unfinished, *([crash] if crash and violations else [])]),
        reproduction=context.reproduction(check.name, violations, samples) if violations else "",
        story=context.call_log.around([violation.call for violation in violations]),
        logs=context.printed(),
        seconds=time.perf_counter() - started,
    )


def _run(check: Check, context: Checked, collected: ViolationCollector) -> str:
    """Run the check; returns why it could not be run to its end when the canister is not to blame, else ""."""
    try:
        check.run(context)
    except UnknownBackendError as error:
        return str(error)
    except (BrokenGuaranteeError, NotApplicableError, UnmetNeedError, HarnessError) as error:
        if not collected.end(error):
            return _crash()
    except Exception:  # noqa: BLE001 - reported as what it is: the check could not run
        return _crash()
    return ""


def _crash() -> str:
    return f"the check itself could not run:\n{traceback.format_exc()}"


def _judge(collected: ViolationCollector, crash: str) -> tuple[Outcome, str]:
    """Return the worst outcome; a check of which one part was not run has not passed."""
    if collected.violations:
        return Outcome.FAILED, ""
    if crash:
        return Outcome.ERROR, crash
    if collected.unmet:
        return Outcome.SKIPPED, collected.unmet[0]
    if collected.inapplicable:
        return Outcome.NOT_APPLICABLE, collected.inapplicable[0]
    return Outcome.PASSED, ""


def _violations(guarantee: Guarantee, collected: ViolationCollector) -> tuple[Violation, ...]:
    """The violations, worst first and else in the order in which they were seen."""
    found = [
        Violation(
            what=error.what,
            meaning=error.meaning or guarantee.means,
            severity=_severity(guarantee, error),
            trace=error.trace,
            call=error.call,
        )
        for error in collected.violations
    ]
    return tuple(sorted(found, key=lambda violation: _RANKS.index(violation.severity)))


def _severity(guarantee: Guarantee, error: BrokenGuaranteeError) -> Severity:
    severity = error.severity or guarantee.severity
    return max(severity, error.at_most or severity, key=_RANKS.index)


def _text(violations: tuple[Violation, ...]) -> str:
    """The first violation, and how many others there are."""
    first, *others = violations
    more = f"\nand {len(others)} more" if others else ""
    return f"{first.what}\n{first.meaning}".rstrip() + more


def describe(result: CheckResult) -> str:
    """Return the text of a failed check for a canister developer: violations, their meaning, and the calls before."""
    guarantee = result.guarantee
    if result.outcome is Outcome.ERROR:
        return f"{guarantee.id} could not be judged: {result.message}"
    lines = []
    for violation in result.reported:
        lines += [
            f"{guarantee.id} is broken ({SEVERITIES[violation.severity]}): {violation.what}",
            *([f"What it means: {violation.meaning}"] if violation.meaning else []),
            *(f"  {line}" for line in violation.trace.splitlines()),
        ]
    lines.append(f"The guarantee: {guarantee.text}.")
    if guarantee.fix:
        example = f" As in {', '.join(guarantee.pattern)}." if guarantee.pattern else ""
        lines.append(f"How to fix it: {guarantee.fix}{example}")
    if result.unfinished:
        lines.append(f"The check could not be finished: {result.unfinished}")
    if result.story:
        lines += ["", "The calls, the last one last:", *(f"  {step}" for step in result.story)]
    if result.logs:
        lines += ["", "What the canister printed:", *(f"  {line}" for line in result.logs)]
    if result.reproduction:
        lines += ["", "Python code that makes the calls again:", "", result.reproduction.rstrip()]
    return "\n".join(lines)
