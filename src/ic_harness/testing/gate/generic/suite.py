"""The suite for any canister: the user's functions where there are some, else comparisons of query replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import HarnessError, InputError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.assertions import BrokenGuaranteeError
from ic_harness.testing.check import Check
from ic_harness.testing.gate.build import Build
from ic_harness.testing.gate.stage_log import StageLog
from ic_harness.testing.gate.suite import Suite
from ic_harness.testing.guarantees import Guarantee, load_catalogue
from ic_harness.testing.target import Target

from .observation import Observation, ask, differences, observe, plain_queries, unknown_volatile
from .remedies import remedy
from .user_functions import UserFunction, UserFunctions, read_user_functions

_ROUNDS: Final = 5
"""How often each query is asked where the user brings no workload: enough for a median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """State to compare with after an upgrade: the result of the user's fill, or the gate's own observation."""

    own: Any = None
    seen: Observation | None = None
    place: str = ""

    def __str__(self) -> str:
        by = f"what {self.place} stores" if self.place else "nothing: no fill was given"
        return f"{by}; {self.seen}" if self.seen is not None else by


class GenericSuite(Suite):
    """The suite for a canister of which only the interface is known."""

    name = "generic"

    def __init__(
        self,
        own: UserFunctions | None = None,
        catalogue: Mapping[str, Guarantee] | None = None,
        volatile: Sequence[str] = (),
    ) -> None:
        self._own = own or UserFunctions()
        self._catalogue = dict(catalogue or {})
        self._volatile = self.volatile = frozenset(volatile)
        self.observes = self._own.verify is None

    @property
    def catalogue(self) -> Mapping[str, Guarantee]:
        """The user's own guarantees."""
        return self._catalogue

    @property
    def checks(self) -> Sequence[Check]:
        """The user's tests that are marked with a guarantee."""
        return self._own.checks

    @property
    def untested(self) -> Sequence[str]:
        """The guarantees of the catalogues that no test is marked with."""
        tested = {check.guarantee.id for check in self.checks}
        return [id_ for id_ in self._catalogue if id_ not in tested]

    def identify(self, target: Target, log: StageLog) -> str | None:
        """Return the suite's name. A name that is declared volatile and does not exist is noted: it may be a typo."""
        for name in unknown_volatile(target.service, self._volatile) if target.service is not None else ():
            log.note(f"volatile names {name!r}, which is no query without arguments of this build")
        return self.name

    def fill(self, target: Target) -> Stored:
        """Call the user's fill; where there is no verify, look at the canister."""
        own = self._own.fill
        returned = own.call(target) if own is not None else None
        return Stored(own=returned, seen=self._seen(target), place=own.place if own is not None else "")

    def verify(self, target: Target, state: Stored, log: StageLog, when: str) -> None:
        """Call the user's verify, or compare what queries answer."""
        if self._own.verify is not None:
            self._verify(self._own.verify, target, state, log, when)
        elif state.seen is not None:
            self._compare(target, state.seen, log, when)

    def _verify(self, own: UserFunction, target: Target, state: Stored, log: StageLog, when: str) -> None:
        before = len(log.faults)
        with log.proving(None, f"{when}, {own.place}"):
            try:
                own.call(target, state.own)
            except BrokenGuaranteeError as error:
                log.fault(f"{when}, {own.place} does not hold: {error.what}")
        if len(log.faults) == before:
            log.note(f"{when}: {own.place} holds")

    def _compare(self, target: Target, before: Observation, log: StageLog, when: str) -> None:
        now = observe(target, self._volatile)
        found = list(differences(before, now, when))
        for difference in found:
            log.fault(difference)
        if not found:
            memory = f"; unchanged: {', '.join(before.memory)}" if before.memory else ""
            log.note(f"{when}: {before} as before{memory}")

    def extend(self, target: Target, state: Stored, log: StageLog, when: str) -> Stored:
        """Call the user's fill_more under the new build; where there is no verify, look again."""
        own = self._own.fill_more
        with log.proving(None, f"{when}, storing more"):
            if own is not None:
                returned = own.call(target, state.own)
                state = replace(state, own=state.own if returned is None else returned)
                log.note(f"{when}: {own.place} stored more")
            return replace(state, seen=self._seen(target))
        return state

    def _seen(self, target: Target) -> Observation | None:
        return None if self._own.verify is not None else observe(target, self._volatile)

    def remedy(self, error: RejectError, before: Build, after: Build) -> str:
        """Return how to repair an upgrade that trapped, by the hook that the backtrace or the modules name."""
        return remedy(error.reject_message, before, after)

    def workload(self, target: Target) -> str:
        """Call the user's workload, else ask every query without arguments several times."""
        own = self._own.workload
        if own is not None:
            try:
                own.call(target)
            except InputError:
                raise
            except (HarnessError, BrokenGuaranteeError) as error:
                return f"{own.place} stopped: {error}"
            return ""
        for _ in range(_ROUNDS):
            for method in plain_queries(target.service):
                ask(target, method)
        return ""


def user_suite(modules: Sequence[Path], catalogues: Sequence[Path], volatile: Sequence[str]) -> GenericSuite:
    """Return the suite with the user's functions and guarantees.

    Raises `InputError` for files that cannot be read, and for an id that two catalogues have.
    """
    catalogue: dict[str, Guarantee] = {}
    for path in catalogues:
        for id_, guarantee in load_catalogue(path).items():
            if id_ in catalogue:
                raise InputError(f"{path}: the guarantee {id_} is in another catalogue already")
            catalogue[id_] = guarantee
    return GenericSuite(read_user_functions(modules, catalogue), catalogue, volatile)
