"""Draws sequences by Hypothesis, shrinks those that fail, and goes on for other faults until examples or time end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import field, replace
from typing import Any, Final

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from ic_harness.candid import format_type, resolve
from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.strategies import values
from ic_harness.text import one_line

from .execution import Execution, Options, missing_capabilities
from .invariants import INSTRUCTIONS, OWN, UPGRADE_KEEPS, BrokenInvariantError
from .report import Failure, FuzzReport
from .steps import Call, Step, Upgrade, Wait
from .subject import ANONYMOUS, OBSERVER, OWNER, Subject

_CALLERS: Final = (OWNER, "alice", "bob", ANONYMOUS)
_CALLS: Final = 8
"""How much more often a call is drawn than an upgrade, or time that passes."""
_UPDATES: Final = 2
"""How much more often an update is drawn than a query: only updates bring the canister into another state."""
_WAITS: Final = (1, 60, 3600)
_REPLAYS: Final = 200
"""Sequences that are run to shorten one that fails, after Hypothesis has shrunk it."""
_UNSTEADY: Final = 3
"""Searches that may end because the canister depends on the time or on randomness."""
_SHRINKING_S: Final = 15.0
"""Seconds after which a failing sequence is not shrunk any further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is run: sequences, steps of one, seconds in all (None: no limit), instructions of a call."""

    max_examples: int = 100
    max_steps: int = 16
    seconds: float | None = None
    instructions: int = 1_000_000_000


class _OverError(BaseException):
    """Ends Hypothesis at once: it takes an example that draws less than before for an error."""


@dataclass(slots=True)
class _Search:
    """The state of one search; `wanted` is the fault that is being shrunk, `best` its shortest sequence."""

    subject: Subject
    options: Options
    bounds: Bounds
    deadline: float | None
    known: set[tuple[str, str]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    wanted: tuple[str, str] | None = None
    best: tuple[BrokenInvariantError, list[Step]] | None = None
    found_at: float = 0.0
    unsteady: list[str] = field(default_factory=list)
    strategies: dict[str, list[st.SearchStrategy[Any]]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Weigh the methods."""
        for name in sorted(self.subject.methods):
            self.names += [name] * (1 if self.subject.is_query(name) else _UPDATES)

    def is_over(self) -> bool:
        """Whether the time is over, or enough of it went into shrinking one fault."""
        now = time.monotonic()
        if self.wanted is not None:
            return now - self.found_at > _SHRINKING_S
        return self.deadline is not None and now > self.deadline

    def example(self, data: st.DataObject) -> None:
        """Run one sequence. Raises `BrokenInvariantError` for a fault that is not known yet."""
        if self.is_over():
            raise _OverError
        run = Execution(self.subject, self.options, self._overlooks, self.counts)
        if self.wanted is None:
            self.examples += 1
        with self.subject.network.anchored():
            for _ in range(data.draw(st.integers(1, self.bounds.max_steps))):
                self._perform(run, data.draw(self.step(run)))
            if UPGRADE_KEEPS in self.options.invariants:
                self._perform(run, Upgrade())

    def _overlooks(self, key: tuple[str, str]) -> bool:
        """Whether a fault is known already, or another one than the one that is being shrunk."""
        return key in self.known or self.wanted not in (None, key)

    def _perform(self, run: Execution, step: Step) -> None:
        """Run a step. Raises `BrokenInvariantError` for a fault that is not known yet."""
        try:
            run.perform(step)
        except BrokenInvariantError as error:
            self._note(error, run.steps)
            raise

    def _note(self, error: BrokenInvariantError, steps: list[Step]) -> None:
        if self.wanted is None:
            self.wanted, self.found_at = error.key, time.monotonic()
        if self.best is None or _size(steps) <= _size(self.best[1]):
            self.best = error, list(steps)

    def step(self, run: Execution) -> st.SearchStrategy[Any]:
        """Return the strategy of the next step: mostly calls."""
        call = st.sampled_from(self.names).flatmap(lambda name: self._call(name, run))
        others: list[st.SearchStrategy[Any]] = [st.sampled_from(_WAITS).map(Wait)]
        if UPGRADE_KEEPS in self.options.invariants:
            others.append(st.just(Upgrade()))
        return st.one_of(*[call] * _CALLS, *others)

    def _call(self, name: str, run: Execution) -> st.SearchStrategy[Call]:
        query = self.subject.is_query(name)
        if name not in self.strategies:
            principals = st.sampled_from([it for who, it in self.subject.callers.items() if who != OBSERVER])
            types = self.subject.methods[name].arg_types
            self.strategies[name] = [values(type_, principals=principals) for type_ in types]
        arguments = []
        for type_, drawn in zip(self.subject.methods[name].arg_types, self.strategies[name], strict=True):
            known = run.pool.get(format_type(resolve(type_)))
            arguments.append(drawn if not known else drawn | st.sampled_from(list(known)))
        return st.builds(
            Call, st.sampled_from(_CALLERS), st.just(name), st.tuples(*arguments), st.just(query)
        )

    def replay(
        self, steps: Sequence[Step], key: tuple[str, str]
    ) -> tuple[BrokenInvariantError | None, Execution]:
        """Run a sequence of steps; returns how it breaks the invariant of `key`, and the run."""
        run = Execution(self.subject, self.options, lambda other: other != key, self.counts)
        with self.subject.network.anchored():
            for step in steps:
                try:
                    run.perform(step)
                except BrokenInvariantError as error:
                    return error, run
        return None, run


def _size(steps: Sequence[Step]) -> tuple[int, int]:
    return len(steps), len(repr(steps))


def run_search(subject: Subject, options: Options, bounds: Bounds, seed: int) -> FuzzReport:
    """Search for faults, each of which is reported once. Raises errors of the network that are no rejects."""
    started = time.monotonic()
    skipped = missing_capabilities(subject, options)
    checked = replace(options, invariants=frozenset(options.invariants) - set(skipped))
    deadline = None if bounds.seconds is None else started + bounds.seconds
    search = _Search(subject, checked, bounds, deadline)
    limits = INSTRUCTIONS in checked.invariants
    network = subject.network
    failures: list[Failure] = []
    with network.anchored(), network.limited(instructions=bounds.instructions) if limits else nullcontext():
        while (left := bounds.max_examples - search.examples) > 0 and not search.is_over():
            before = len(search.unsteady)
            failure = _one(search, left, seed + len(failures) + before)
            if failure is not None:
                failures.append(failure)
            elif before == len(search.unsteady) or before >= _UNSTEADY:
                break
    if len(search.unsteady) > _UNSTEADY:
        skipped["all"] = f"the canister answers the same calls differently: {search.unsteady[0]}"
    return FuzzReport(
        seed=seed,
        examples=search.examples,
        calls=dict(sorted(search.counts.items())),
        seconds=time.monotonic() - started,
        failures=tuple(failures),
        skipped=skipped,
        time_over=search.is_over(),
    )


def _one(search: _Search, examples: int, seed: int) -> Failure | None:
    """Search for one more fault; None where the examples or the time end without one."""
    search.wanted = search.best = None

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(st.data())
    def example(data: st.DataObject) -> None:
        search.example(data)

    try:
        example()
    except (BrokenInvariantError, _OverError):
        pass
    except HypothesisException as error:
        # A fault that is not there when Hypothesis looks again: `best` has it. Without one the canister answered the
        # same calls differently, so that other arguments were drawn: the next search begins with another seed.
        if search.best is None:
            search.unsteady.append(one_line(str(error), 200))
    if search.best is None:
        return None
    error, steps = search.best
    search.known.add(error.key)
    failure = _shortest(search, error, steps)
    search.wanted = None
    return failure


def _shortest(search: _Search, error: BrokenInvariantError, steps: list[Step]) -> Failure:
    """Leave out every step without which the fault is still there, and run what is left once more."""
    left = _REPLAYS
    position = len(steps) - 1
    while position >= 0 and left > 0:
        shorter = steps[:position] + steps[position + 1 :]
        found, _ = search.replay(shorter, error.key)
        left -= 1
        if found is not None:
            error, steps = found, shorter
        position -= 1
    again, run = search.replay(steps, error.key)
    confirmed, error = again is not None, again or error
    own = [it for it in search.options.own if getattr(it, "__name__", "") == error.subject]
    return Failure(
        invariant=error.invariant,
        subject=error.subject,
        message=error.message,
        steps=tuple(steps),
        confirmed=confirmed,
        function=own[0] if error.invariant == OWN and own else None,
        question=error.question,
        rejected=frozenset(run.rejected),
    )
