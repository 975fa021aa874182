"""The log of one stage of the gate: notes and faults, and the outcome that follows from them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ic_harness.errors import HarnessError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.assertions import BrokenGuaranteeError, NotApplicableError, UnmetNeedError
from ic_harness.testing.blame import Blame, blame, cause_of, lack
from ic_harness.testing.results import Outcome, StageResult

from .acceptance import Acceptances


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault; `guarantee` is the id of the guarantee that it breaks, if any."""

    text: str
    guarantee: str | None = None


class StageLog:
    """Notes and faults of a running stage. A fault refuses the canister."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.faults: list[Fault] = []

    def note(self, text: str) -> None:
        """Add a note."""
        self.notes.append(text)

    def fault(self, text: str, guarantee: str | None = None) -> None:
        """Add a fault; `guarantee` is the id of the guarantee that it breaks."""
        self.faults.append(Fault(text=text, guarantee=guarantee))

    @contextmanager
    def proving(self, guarantee: str | None, what: str, *, promised: bool = True) -> Iterator[None]:
        """Turn a broken guarantee, or a refusal by the canister, into a fault; `what` names the step.

        A missing method is a fault too, unless it was not `promised`: then `NotApplicableError` is raised.
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


def run_stage(name: str, scenario: Callable[[StageLog], None], acceptances: Acceptances) -> StageResult:
    """Run one stage and return its result.

    The result is skipped for `UnmetNeedError`, not applicable for `NotApplicableError`, and `Outcome.ERROR` for any
    other error that the canister did not cause.
    """
    log = StageLog()
    started = time.perf_counter()
    outcome, reason = _played(scenario, log)
    if log.faults:
        outcome = _judged(log, acceptances)
    sentences = [*(fault_sentence(fault, acceptances) for fault in log.faults), *reason, *log.notes]
    return StageResult(
        name=name,
        outcome=outcome,
        findings=tuple(sentences),
        seconds=time.perf_counter() - started,
    )


def _played(scenario: Callable[[StageLog], None], log: StageLog) -> tuple[Outcome, list[str]]:
    try:
        with log.proving(None, "", promised=False):
            scenario(log)
    except UnmetNeedError as error:
        return Outcome.SKIPPED, [str(error)]
    except NotApplicableError as error:
        return Outcome.NOT_APPLICABLE, [str(error)]
    except (HarnessError, OSError) as error:
        return Outcome.ERROR, [f"{type(error).__name__}: {error}"]
    except Exception:  # noqa: BLE001 - reported as what it is: the stage itself could not run
        return Outcome.ERROR, [f"the gate itself failed:\n{traceback.format_exc()}"]
    return Outcome.PASSED, []


def _judged(log: StageLog, acceptances: Acceptances) -> Outcome:
    accepted = all(acceptances.valid(fault.guarantee) for fault in log.faults)
    return Outcome.ACCEPTED if accepted else Outcome.FAILED


def fault_sentence(fault: Fault, acceptances: Acceptances) -> str:
    """Return a fault as a sentence, with the guarantee that it breaks and its acceptance."""
    text = f"{fault.guarantee}: {fault.text}" if fault.guarantee else fault.text
    accepted, over = acceptances.valid(fault.guarantee), acceptances.expired(fault.guarantee)
    if accepted is not None:
        until = f" until {accepted.expires}" if accepted.expires else ""
        return f"{text} (accepted{until}: {accepted.reason})"
    return f"{text} {over.expiry_note}" if over is not None else text
