"""The gate decides whether a canister may be deployed.

    report = run_gate(Order(subject=Build(name="my.wasm", wasm=…), today=…, started=…), network)
    report.verdict, report.refusals

Each stage is a module: `wasm`, `interface`, `rehearsal`, `judging`, `budgets`. What they do on a kind of canister is
decided by a `Suite`; `suites` finds it.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

from .acceptance import accept_ids, read_acceptances
from .build import Build
from .gate import STAGES, run_gate
from .judging import guarantee_outcomes
from .request import DEFAULT_BUDGET, GateRequest
from .run import GateRun, ProgressCallback
from .stage_log import StageLog
from .suite import Identities, StageRun, Suite, SuiteEntry
from .suites import suite_for, suite_named, suite_names, suite_of
from .verdict import decide, unselected

__all__ = [
    "DEFAULT_BUDGET",
    "STAGES",
    "Build",
    "GateRequest",
    "GateRun",
    "Identities",
    "ProgressCallback",
    "StageLog",
    "StageRun",
    "Suite",
    "SuiteEntry",
    "accept_ids",
    "decide",
    "guarantee_outcomes",
    "read_acceptances",
    "run_gate",
    "suite_for",
    "suite_named",
    "suite_names",
    "suite_of",
    "unselected",
]

_FORMER: Final = {"Findings": StageLog, "Order": GateRequest, "Run": GateRun, "Watch": ProgressCallback}
"""Former names, which suites of other packages may import; they will be removed in the next release."""


def __getattr__(name: str) -> Any:
    """Return what a former name means now, with a warning. Raises `AttributeError` for any other name."""
    if name not in _FORMER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    now = next(key for key in __all__ if globals()[key] is _FORMER[name])
    warnings.warn(f"{__name__}.{name} is now {now}", DeprecationWarning, stacklevel=2)
    return _FORMER[name]
