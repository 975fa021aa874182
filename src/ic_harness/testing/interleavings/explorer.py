"""The explorer: several callers in every order of their messages, as far as orders can differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from ic_harness.errors import InputError, RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Network
from ic_harness.testing.driven.laboratory import Ended, Laboratory, Named, ids_of, judge, open_laboratory
from ic_harness.testing.driven.pasted import pasted_test
from ic_harness.testing.measured import SearchFinding
from ic_harness.testing.searches import ORDERS, note_search
from ic_harness.text import clean

from .orders import REPEATS, GivenHook, OrderHook, RandomHook, SystematicHook
from .partial_orders import PartialOrders
from .shrinking import shortest

_MOST_MESSAGES: Final = 10_000
_MOST_ROUNDS: Final = 5_000
_INSTRUCTIONS: Final = 1_000_000_000
"""What one message may take."""

Actors = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions:
    """How orders are explored.

    `canisters` are the names that reports use. After `systematic` runs that did not come to the end of all orders,
    `drawn` orders are drawn with `seed`. `order` runs one order only: texts of messages as a finding lists them.
    """

    canisters: Named = field(default_factory=dict)
    systematic: int = 2_000
    drawn: int = 1_000
    seed: int = 0
    order: Sequence[str] | None = None


@dataclass(slots=True, kw_only=True)
class ExploreResult:
    """Runs. `complete`: the runs cover all orders. `order` is the shortest that fails, None if none does."""

    runs: int = 0
    complete: bool = False
    order: list[str] | None = None
    messages: tuple[str, ...] = ()
    """The messages of the run in this order, as they ran."""
    problem: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    """What each caller returned or raised in that run."""
    test: str = ""

    def summary(self) -> str:
        """Return how much was run, and whether an order fails, in one line."""
        if self.order is None:
            extent = "all orders" if self.complete else "a part of the orders"
            return f"the invariant holds in {self.runs:,} runs, which are {extent} of the messages"
        return f"after {self.runs:,} runs an order of messages breaks the invariant"

    def as_findings(self) -> list[SearchFinding]:
        """Return the order that fails as the report has it; nothing when none does."""
        if self.order is None:
            return []
        answers = "\n".join(f"{name}: {answer}" for name, answer in self.answers.items())
        return [
            SearchFinding(
                title="The shortest order of messages that fails",
                problem=f"{self.problem}\n{answers}".strip(),
                steps=self.messages,
                code=self.test,
            )
        ]

    def story(self) -> str:
        """Return what was found as text."""
        if self.order is None:
            return self.summary()
        lines = [
            f"{self.summary()}:",
            f"    {self.problem}",
        ]
        lines += [f"    {number:3} {message}" for number, message in enumerate(self.messages, 1)]
        lines += [f"{name}: {answer}" for name, answer in self.answers.items()]
        text = clean("\n".join(lines))
        return f"{text}\n\nThis test shows it again:\n\n{self.test}" if self.test else text

    def check(self) -> None:
        """Raise `InterleavingError` when an order fails."""
        if self.order is not None:
            raise InterleavingError(self)


class InterleavingError(AssertionError):
    """An order of messages breaks the invariant; the text says which."""

    def __init__(self, result: ExploreResult) -> None:
        super().__init__(result.story())
        self.result = result


class Explorer:
    """One exploration in a laboratory."""

    def __init__(
        self, laboratory: Laboratory, actors: Actors, invariant: Callable[..., Any], options: ExploreOptions
    ) -> None:
        self._laboratory = laboratory
        self._actors = actors
        self._invariant = invariant
        self._options = options
        self._names = {one.raw: str(one) for one in laboratory.network.canisters()}
        self._names |= ids_of(options.canisters)
        self.result = ExploreResult()

    def run(self) -> ExploreResult:
        """Explore until an order fails, all are done, or enough were tried."""
        with self._laboratory.replica.limited(instructions=_INSTRUCTIONS):
            failed = self._given() if self._options.order is not None else self._search()
            if failed is not None and self._options.order is None:
                self._shrink(failed)
        return self.result

    def _given(self) -> Sequence[str] | None:
        order = self._options.order or ()
        self.result.runs = 1
        return order if self._fails(order) else None

    def _search(self) -> Sequence[str] | None:
        """Return the first order that fails, as texts."""
        orders = PartialOrders()
        for _ in range(self._options.systematic):
            if not orders.open:
                break
            hook = SystematicHook(self._names, _MOST_MESSAGES, orders)
            if self._try(hook):
                return hook.texts
            orders.finish(hook.events)
        self.result.complete = not orders.open
        chance = random.Random(self._options.seed)  # noqa: S311 - orders that can be drawn again
        for _ in range(0 if self.result.complete else self._options.drawn):
            drawn = RandomHook(self._names, _MOST_MESSAGES, chance)
            if self._try(drawn):
                return drawn.texts
        return None

    def _shrink(self, failed: Sequence[str]) -> None:
        kept = shortest(failed, self._fails)
        if not self._fails(kept):
            raise AssertionError(f"the same order of messages does not fail twice: {list(failed)}")

    def _fails(self, order: Sequence[str]) -> bool:
        """Run a given order; when it fails it is the result."""
        hook = GivenHook(self._names, _MOST_MESSAGES, order)
        runs = self.result.runs
        problem = self._try(hook)
        if self._options.order is None:
            self.result.runs = runs  # of the search only
        if problem:
            self.result.order = list(order)
            self.result.messages = tuple(hook.texts)
        return bool(problem)

    def _try(self, hook: OrderHook) -> str:
        """Run the actors from the start; returns what is wrong at the end."""
        self._laboratory.restore()
        ended = self._laboratory.run(self._actors, hook, _MOST_ROUNDS)
        if hook.abandoned == REPEATS:
            return ""
        self.result.runs += 1
        problem = ended.stuck or _claims(ended) or judge(self._invariant, dict(ended.values))
        if problem:
            self.result.problem = problem
            self.result.answers = {name: _answer(ended, name) for name in self._actors}
        return problem


def _claims(ended: Ended) -> str:
    """What an actor found wrong: any error but a reject, which is an answer like others."""
    for name, error in ended.errors.items():
        if not isinstance(error, RejectError):
            return f"{name}: {type(error).__name__}: {error}"
    return ""


def _answer(ended: Ended, name: str) -> str:
    if name in ended.errors:
        return f"{type(ended.errors[name]).__name__}: {ended.errors[name]}"
    return f"returned {ended.values[name]!r}" if name in ended.values else "did not end"


def find_order(
    network: Network, actors: Actors, invariant: Callable[..., Any], **options: Any
) -> ExploreResult:
    """Explore and return the result; see `explore`."""
    for name in actors:
        if not name.isidentifier():
            raise InputError(f"the name of an actor is letters, digits and _, not {name!r}")
    with open_laboratory(network) as laboratory:
        if len(laboratory.replica.nodes.all) > 1:
            raise InputError("orders are explored on a network of one subnet")
        result = Explorer(laboratory, actors, invariant, ExploreOptions(**options)).run()
    if result.order is not None:
        result.test = pasted_test("order", result.order)
    note_search(ORDERS, result.summary(), result.as_findings())
    return result


def explore(network: Network, actors: Actors, invariant: Callable[..., Any], **options: Any) -> ExploreResult:
    """Run callers in every order of their messages, and check `invariant` at the end of each.

    `actors` are functions by name, each of which makes calls, one after the other; a `RejectError` that it does not
    catch ends it, any other exception is a finding. `invariant` raises, or returns False, when the state is wrong; it
    may take a dict of what the actors returned. Options are the fields of `ExploreOptions`. The network has its present
    state again afterwards.

    Raises `InterleavingError`, an `AssertionError`, with the shortest order that fails and the test for it;
    `InputError` for options that cannot be and for networks that are not embedded or have several subnets.
    """
    result = find_order(network, actors, invariant, **options)
    result.check()
    return result
