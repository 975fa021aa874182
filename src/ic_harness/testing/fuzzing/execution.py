"""Runs one sequence of steps and checks the invariants after each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import field
from typing import Any, Final, TypeAlias

from ic_harness.candid import decode, format_type, resolve
from ic_harness.errors import CandidError, HarnessError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Canister, Capability
from ic_harness.testing.blame import lacks_method
from ic_harness.testing.call_log import brief
from ic_harness.testing.rejects import is_trap

from .invariants import (
    INSTRUCTIONS,
    INTERFACE,
    NO_TRAP,
    OWN,
    OWNERSHIP,
    PURE_QUERIES,
    UPGRADE_KEEPS,
    BrokenInvariantError,
)
from .steps import Call, Step, Upgrade, Wait
from .subject import OBSERVER, OWNER, Answer, Subject

Question: TypeAlias = tuple[str, str, tuple[Any, ...]]
"""A query to compare: caller, method and arguments."""
Answers: TypeAlias = list[tuple[Question, Answer]]
OwnInvariant: TypeAlias = Callable[[Canister], object]
_SECOND: Final = 1_000_000_000
_ASKED: Final = 12
"""Queries with arguments that are compared, besides those without."""
_POOL: Final = 8
"""Values of one type that are kept as later arguments."""
_LIMIT: Final = frozenset({"IC0522", "IC0524"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is checked.

    `allow_trap` are patterns of trap messages that are expected; `volatile` queries are not compared; methods in
    `shared` may change what other callers own, such as a transfer.
    """

    invariants: Collection[str]
    own: Sequence[OwnInvariant] = ()
    allow_trap: Sequence[re.Pattern[str]] = ()
    volatile: Collection[str] = ()
    shared: Collection[str] = ()


@dataclass(slots=True)
class Execution:
    """One run of a sequence, from the state that the network has when it begins.

    Faults that `overlooks` is true for, by their key, do not end a step: they may hide others of the same step.
    """

    subject: Subject
    options: Options
    overlooks: Callable[[tuple[str, str]], bool]
    counts: Counter[str] = field(default_factory=Counter)
    steps: list[Step] = field(default_factory=list)
    rejected: set[int] = field(default_factory=set)
    pool: dict[str, list[Any]] = field(default_factory=dict)
    _asked: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    _acted: set[str] = field(default_factory=set)
    _known: dict[tuple[str, str, str], Answer] = field(default_factory=dict)

    def perform(self, step: Step) -> None:
        """Run a step. Raises `BrokenInvariantError`, and errors of the network that are no rejects."""
        self.steps.append(step)
        match step:
            case Upgrade():
                self._upgrade()
            case Wait(seconds):
                self._known.clear()
                self.subject.network.advance_time(seconds * _SECOND)
                self.subject.network.tick()
            case Call():
                self._call(step)
        self._check_own()

    def checks(self, invariant: str) -> bool:
        """Whether an invariant is checked."""
        return invariant in self.options.invariants

    # -- calls ----------------------------------------------------------------------------------------------

    def _call(self, step: Call) -> None:
        self.counts[step.method] += 1
        owned: Answers = [] if step.is_query else self._owned(step)
        answer = self.subject.call(step.caller, step.method, step.args)
        if not step.is_query:
            self._known.clear()
        if answer.error is not None:
            self.rejected.add(len(self.steps) - 1)
            self._check_reject(step, answer.error)
        else:
            self._learn(step, answer)
        if step.is_query:
            self._check_again(step, answer)
            return
        self._acted.add(step.caller)
        self._check_owned(step, owned)

    def _check_reject(self, step: Call, error: RejectError) -> None:
        text = error.reject_message.partition("\n")[0]
        if error.error_code in _LIMIT:
            self._broken(INSTRUCTIONS, step.method, f"{step} exceeds the limit: {text}")
        elif lacks_method(error):
            self._broken(INTERFACE, step.method, f"the module has no such {_kind(step)}: {text}")
        elif is_trap(error) and not any(it.search(error.reject_message) for it in self.options.allow_trap):
            self._broken(NO_TRAP, step.method, f"{step} traps: {text}")

    def _learn(self, step: Call, answer: Answer) -> None:
        """Decode a reply, and keep its values as later arguments."""
        types = self.subject.service.methods[step.method].return_types
        try:
            values = decode(answer.reply or b"", types)
        except CandidError as error:
            self._broken(INTERFACE, step.method, f"the reply to {step} does not fit the interface: {error}")
            return
        for type_, value in zip(types, values, strict=True):
            known = self.pool.setdefault(format_type(resolve(type_)), [])
            if value not in known and len(known) < _POOL:
                known.append(value)
        question = (step.method, step.args)
        if step.is_query and step.args and question not in self._asked and len(self._asked) < _ASKED:
            self._asked.append(question)

    def _check_again(self, step: Call, answer: Answer) -> None:
        if not self.checks(PURE_QUERIES) or step.method in self.options.volatile:
            return
        again = self.subject.call(step.caller, step.method, step.args)
        if again.shown != answer.shown:
            was, now = self._text(step.method, answer), self._text(step.method, again)
            self._broken(PURE_QUERIES, step.method, f"{step} answers {was}, and asked again {now}")

    # -- comparisons ----------------------------------------------------------------------------------------

    def _questions(self, callers: Collection[str]) -> Iterator[Question]:
        plain = [(name, ()) for name, method in self.subject.queries.items() if not method.arg_types]
        for method, args in (*plain, *self._asked):
            if method not in self.options.volatile:
                yield from ((caller, method, args) for caller in callers)

    def _answers(self, callers: Collection[str]) -> Answers:
        return [(question, self._ask(question)) for question in self._questions(callers)]

    def _ask(self, question: Question) -> Answer:
        """Ask a query, once in a state."""
        caller, method, args = question
        key = caller, method, repr(args)
        if key not in self._known:
            self._known[key] = self.subject.call(*question)
        return self._known[key]

    def _owned(self, step: Call) -> Answers:
        """Return what queries show to callers other than the one of `step`, and not to a caller that never acted."""
        if not self.checks(OWNERSHIP) or step.caller == OWNER or step.method in self.options.shared:
            return []
        victims = sorted(self._acted - {step.caller})
        common = self._answers([OBSERVER]) if victims else []
        return [
            (question, answer)
            for victim in victims
            for (question, answer), (_, other) in zip(self._answers([victim]), common, strict=True)
            if answer.reply is not None and answer.shown != other.shown
        ]

    def _check_owned(self, step: Call, owned: Answers) -> None:
        for question, before in owned:
            now = self._ask(question)
            if now.shown == before.shown or self.subject.call(*question).shown != now.shown:
                continue
            who, method, _ = question
            self._broken(
                OWNERSHIP,
                step.method,
                f"{step} changes what {method} answers to {who}: {self._text(method, before)} is now "
                f"{self._text(method, now)}",
                question,
            )

    def _upgrade(self) -> None:
        callers = [OWNER, *sorted(self._acted - {OWNER}), OBSERVER]
        before = self._answers(callers) if self.checks(UPGRADE_KEEPS) else []
        if before:
            self.subject.network.tick()  # what changes by itself is no fault of the upgrade
        stable = [(it, found) for it, found in before if self.subject.call(*it).shown == found.shown]
        self._known.clear()
        try:
            self.subject.upgrade()
        except RejectError as error:
            self._broken(UPGRADE_KEEPS, "upgrade", f"the upgrade is refused: {error.reject_message}")
            return
        for (who, method, args), was in stable:
            now = self.subject.call(who, method, args)
            if now.shown != was.shown and was.reply is not None:
                asked = f"{method}({', '.join(map(brief, args))})"
                message = (
                    f"after the upgrade {asked} answers {self._text(method, now)} to {who}, before it answered "
                    f"{self._text(method, was)}"
                )
                self._broken(UPGRADE_KEEPS, method, message, (who, method, args))

    def _text(self, method: str, answer: Answer) -> str:
        if answer.error is not None:
            return f"a reject ({answer.error.reject_message.partition(chr(10))[0]})"
        try:
            values = decode(answer.reply or b"", self.subject.service.methods[method].return_types)
        except CandidError:
            return f"{len(answer.reply or b'')} bytes that do not fit the interface"
        return brief(values[0]) if len(values) == 1 else brief(tuple(values))

    def _check_own(self) -> None:
        for function in self.options.own:
            name = getattr(function, "__name__", repr(function))
            try:
                function(self.subject.canister)
            except AssertionError as error:
                self._broken(OWN, name, f"{name}: {str(error).strip() or 'it does not hold'}")
            except HarnessError as error:
                self._broken(OWN, name, f"{name}: {error}")

    def _broken(self, invariant: str, subject: str, message: str, question: Question | None = None) -> None:
        """Raise `BrokenInvariantError` where the invariant is checked and the fault is not overlooked."""
        if (self.checks(invariant) or invariant == OWN) and not self.overlooks((invariant, subject)):
            raise BrokenInvariantError(invariant, subject, message, question)


def _kind(step: Call) -> str:
    return "query, as the interface says" if step.is_query else "update"


def missing_capabilities(subject: Subject, options: Options) -> dict[str, str]:
    """Return the invariants that cannot be checked here, each with the reason."""
    network, found = subject.network, {}
    if UPGRADE_KEEPS in options.invariants and not subject.can_upgrade:
        found[UPGRADE_KEEPS] = "the module is not known: give it"
    if INSTRUCTIONS in options.invariants and Capability.LIMITS not in network.capabilities:
        found[INSTRUCTIONS] = f"the network {network.name} cannot limit instructions"
    return found
