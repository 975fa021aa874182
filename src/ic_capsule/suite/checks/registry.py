"""Which function checks which guarantee."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.check import Check

CheckFunction = Callable[[CheckContext], None]

CHECKS: Final[list[Check]] = []
"""All checks, in the order of their files."""


def check(guarantee_id: str) -> Callable[[CheckFunction], CheckFunction]:
    """Register the decorated function as a check of the guarantee."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(GUARANTEES[guarantee_id], function))
        return function

    return register
