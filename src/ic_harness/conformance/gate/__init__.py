"""The gate decides whether a canister may be deployed.

    report = run_gate(Order(subject=Build(name="my.wasm", wasm=…), today=…, started=…), network)
    report.verdict, report.refusals

Each stage is a module: `wasm`, `interface`, `rehearsal`, `photos`, `suite`, `budgets`.
"""

from .acceptance import accept_ids, read_acceptances
from .gate import STAGES, run_gate
from .order import DEFAULT_BUDGET, Build, Order
from .run import Watch
from .suite import guarantee_outcomes
from .verdict import decide, unselected

__all__ = [
    "DEFAULT_BUDGET",
    "STAGES",
    "Build",
    "Order",
    "Watch",
    "accept_ids",
    "decide",
    "guarantee_outcomes",
    "read_acceptances",
    "run_gate",
    "unselected",
]
