"""The gate decides whether a canister may be deployed.

    report = run_gate(Order(subject=Build(name="my.wasm", wasm=…), today=…, started=…), network)
    report.verdict, report.refusals

Each stage is a module: `wasm`, `interface`, `rehearsal`, `judging`, `budgets`. What they do on a kind of canister is
decided by a `Suite`; `suites` finds it.
"""

from .acceptance import accept_ids, read_acceptances
from .build import Build
from .findings import Findings
from .gate import STAGES, run_gate
from .judging import guarantee_outcomes
from .order import DEFAULT_BUDGET, Order
from .run import Run, Watch
from .suite import Identities, StageRun, Suite, SuiteEntry
from .suites import suite_for, suite_named, suite_names, suite_of
from .verdict import decide, unselected

__all__ = [
    "DEFAULT_BUDGET",
    "STAGES",
    "Build",
    "Findings",
    "Identities",
    "Order",
    "Run",
    "StageRun",
    "Suite",
    "SuiteEntry",
    "Watch",
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
