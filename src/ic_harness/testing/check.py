"""A check: a function that proves or refutes one guarantee by calls to the canister under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.guarantees import Guarantee

CheckFunction = Callable[[Any], None]
"""Takes what its suite runs checks on: a `Target`, or the suite's own object."""


@dataclass(frozen=True, slots=True)
class Check:
    """A function that proves or refutes one guarantee."""

    guarantee: Guarantee
    run: CheckFunction

    @property
    def name(self) -> str:
        """Such as `UC4-chunks_in_any_order`."""
        return f"{self.guarantee.id}-{self.run.__name__}"
