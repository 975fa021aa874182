"""What one stage of the gate finds, and how that becomes an outcome."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ic_harness.errors import HarnessError
from ic_harness.testing.blame import Blame, blame, cause_of, lack
from ic_harness.testing.expectations import BrokenGuaranteeError, NotApplicableError, UnmetNeedError
from ic_harness.testing.results import Outcome, StageResult

from .acceptance import Acceptances


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong; `guarantee` is the id of the promise that it breaks, if it breaks one."""

    text: str
    guarantee: str | None = None


class Findings:
    """What a stage finds while it runs: notes for people, and faults, which refuse."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.faults: list[Fault] = []

    def note(self, text: str) -> None:
        """Tell something that is good to know."""
        self.notes.append(text)

    def fault(self, text: str, guarantee: str | None = None) -> None:
        """Tell something that is wrong."""
        self.faults.append(Fault(text=text, guarantee=guarantee))

    @contextmanager
    def proving(self, guarantee: str | None, what: str, *, promised: bool = True) -> Iterator[None]:
        """Turn a broken guarantee, or a refusal by the canister, into a fault; `what` was being done meanwhile.

        A method that is not there is a fault too, unless it was not `promised`: then `NotApplicableError` is raised.
        """
        try:
            yield
        except BrokenGuaranteeError as error:
            self.fault(error.what if not error.meaning else f"{error.what}. {error.meaning}", guarantee)
        except HarnessError as error:
            who = blame(error)
            if who not in (Blame.CANISTER, Blame.INTERFACE):
                raise
            if who is Blame.INTERFACE and not promised:
                raise NotApplicableError(lack(error)) from error
            # The cause, without the file of the photo, which is gone.
            cause = cause_of(error)
            self.fault(f"{what}: {cause}" if what else str(cause), guarantee)


def run_stage(name: str, play: Callable[[Findings], None], acceptances: Acceptances) -> StageResult:
    """Run one stage to its end and tell how it went; raises nothing on purpose.

    The stage is skipped when it raises `UnmetNeedError`, not applicable when it raises `NotApplicableError`; an
    error that the canister is not to blame for ends as `Outcome.ERROR`.
    """
    findings = Findings()
    started = time.perf_counter()
    outcome, reason = _played(play, findings)
    if findings.faults:
        outcome = _judged(findings, acceptances)
    sentences = [*(fault_sentence(fault, acceptances) for fault in findings.faults), *reason, *findings.notes]
    return StageResult(
        name=name,
        outcome=outcome,
        findings=tuple(sentences),
        seconds=time.perf_counter() - started,
    )


def _played(play: Callable[[Findings], None], findings: Findings) -> tuple[Outcome, list[str]]:
    try:
        with findings.proving(None, "", promised=False):
            play(findings)
    except UnmetNeedError as error:
        return Outcome.SKIPPED, [str(error)]
    except NotApplicableError as error:
        return Outcome.NOT_APPLICABLE, [str(error)]
    except (HarnessError, OSError) as error:
        return Outcome.ERROR, [f"{type(error).__name__}: {error}"]
    except Exception:  # noqa: BLE001 - reported as what it is: the stage itself could not run
        return Outcome.ERROR, [f"the gate itself failed:\n{traceback.format_exc()}"]
    return Outcome.PASSED, []


def _judged(findings: Findings, acceptances: Acceptances) -> Outcome:
    accepted = all(acceptances.valid(fault.guarantee) for fault in findings.faults)
    return Outcome.ACCEPTED if accepted else Outcome.FAILED


def fault_sentence(fault: Fault, acceptances: Acceptances) -> str:
    """Write a fault down, with the guarantee that it breaks and whether somebody accepted it."""
    text = f"{fault.guarantee}: {fault.text}" if fault.guarantee else fault.text
    accepted, over = acceptances.valid(fault.guarantee), acceptances.expired(fault.guarantee)
    if accepted is not None:
        until = f" until {accepted.expires}" if accepted.expires else ""
        return f"{text} (accepted{until}: {accepted.reason})"
    return f"{text} {over.over}" if over is not None else text
