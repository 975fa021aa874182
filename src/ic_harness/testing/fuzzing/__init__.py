"""Property tests from the interface: sequences of well-typed calls, and invariants that every canister should keep.

    report = fuzz(canister, seed=7)

Needs Hypothesis. `search` draws and shrinks sequences, `execution` runs one and checks the invariants, `writing` writes
what failed as tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from .api import FuzzError, fuzz
    from .execution import Options
    from .invariants import INVARIANTS
    from .report import Failure, FuzzReport
    from .search import run_search
    from .subject import Subject
    from .writing import write_tests

__all__ = [
    "INVARIANTS",
    "Failure",
    "FuzzError",
    "FuzzReport",
    "Options",
    "Subject",
    "fuzz",
    "run_search",
    "write_tests",
]

_LAZY: Final = {
    "INVARIANTS": ".invariants",
    "Failure": ".report",
    "FuzzError": ".api",
    "FuzzReport": ".report",
    "Options": ".execution",
    "Subject": ".subject",
    "fuzz": ".api",
    "run_search": ".search",
    "write_tests": ".writing",
}

__getattr__ = lazy_names(__name__, _LAZY)
