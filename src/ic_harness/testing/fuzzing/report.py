"""What a search found, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.measured import SearchFinding
from ic_harness.text import for_log

from .steps import Step

_UNCONFIRMED: Final = "It did not fail when it was run once more: the canister depends on time or randomness."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The shortest sequence that was found for one fault; the last step shows it.

    `confirmed` is whether it failed again when it was run once more. `function` is the user's own invariant, if any,
    `question` the query whose answer changed, `rejected` the indexes of steps that were rejected.
    """

    invariant: str
    subject: str
    message: str
    steps: tuple[Step, ...]
    confirmed: bool = True
    function: Any = None
    question: tuple[str, str, tuple[Any, ...]] | None = None
    rejected: frozenset[int] = frozenset()

    def lines(self) -> Iterator[str]:
        """Return the failure as lines of text."""
        yield f"{self.invariant}: {self.message}"
        for number, step in enumerate(self.steps, 1):
            yield f"  {number}. {step}"
        if not self.confirmed:
            yield f"  {_UNCONFIRMED}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzReport:
    """The result of a search: how much was run, and what failed.

    `calls` has the number of calls by method, `skipped` invariants that could not be checked, each with the reason.
    """

    seed: int
    examples: int
    calls: Mapping[str, int]
    seconds: float
    failures: tuple[Failure, ...]
    skipped: Mapping[str, str]
    time_over: bool = False

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def summary(self) -> str:
        """Return how much was run in one line."""
        total = sum(self.calls.values())
        return (
            f"seed {self.seed}: {self.examples:,} sequences, {total:,} calls of {len(self.calls)} methods in "
            f"{self.seconds:.1f} s{' (time is over)' if self.time_over else ''}"
        )

    def as_findings(self) -> list[SearchFinding]:
        """Return the failures as the report of a run has them."""
        return [
            SearchFinding(
                title=f"{it.invariant}: {it.subject}",
                problem=it.message if it.confirmed else f"{it.message}\n{_UNCONFIRMED}",
                steps=tuple(map(str, it.steps)),
            )
            for it in self.failures
        ]

    def lines(self) -> Iterator[str]:
        """Return the report as lines of text; texts of canisters are cleaned."""
        yield self.summary()
        for name, reason in self.skipped.items():
            yield f"not checked: {name}: {reason}"
        for failure in self.failures:
            yield from map(for_log, failure.lines())
        if not self.failures:
            yield "no invariant was broken"
