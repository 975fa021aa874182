"""Which function checks which guarantee."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ic_harness.conformance.guarantees import GUARANTEES, Guarantee
from ic_harness.conformance.stage import Stage

CheckFunction = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Check:
    """A function that proves or refutes one guarantee."""

    guarantee: Guarantee
    run: CheckFunction

    @property
    def name(self) -> str:
        """Such as `UC4-chunks_in_any_order`."""
        return f"{self.guarantee.id}-{self.run.__name__}"


CHECKS: Final[list[Check]] = []
"""All checks, in the order of their files."""


def check(guarantee_id: str) -> Callable[[CheckFunction], CheckFunction]:
    """Register the decorated function as a check of the guarantee."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(GUARANTEES[guarantee_id], function))
        return function

    return register
