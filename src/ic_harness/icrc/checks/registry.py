"""The checks by guarantee: a decorator registers a function, `CHECKS` lists them in the order of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.icrc.context import LedgerContext
from ic_harness.lazy_dataclass import dataclass

CheckFunction = Callable[[LedgerContext], None]


@dataclass(frozen=True, slots=True)
class Check:
    """A function that proves or refutes the guarantee `id` in a context."""

    id: str
    run: CheckFunction

    @property
    def name(self) -> str:
        """The name in test ids, such as `TT1-a-transfer-moves-its-amount`; used by own tests (`docs/icrc.md`)."""
        return f"{self.id}-{self.run.__name__.replace('_', '-')}"


CHECKS: Final[list[Check]] = []
"""Every check, in the order in which the modules define them."""


def check(id_: str) -> Callable[[CheckFunction], CheckFunction]:
    """Register a check of the guarantee `id_`."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(id_, function))
        return function

    return register
