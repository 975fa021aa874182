"""Stage "Budgets": the cost of every method, compared with the same calls on the baseline.

The suite's workload runs on a new canister of each build. Instructions are counted, not timed: two runs of
one build differ by a few per mille at most, so that a limit of a few per cent does not fail by chance.
"""

from __future__ import annotations

from statistics import median
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Capability
from ic_harness.testing.assertions import UnmetNeedError
from ic_harness.testing.results import Figure, MethodCost
from ic_harness.units import human_bytes

from .build import Build
from .run import GateRun
from .stage_log import StageLog

_SCENARIO: Final = "budgets"
_UNCALLED: Final = frozenset({"reply", "reject", "heartbeat", "global_timer", "on_low_wasm_memory"})
"""Messages that a canister gets when its own time has come: how many fall into the day is chance."""
_NOISE: Final = 5_000
"""Instructions by which two calls of one build may differ, however cheap they are: ids of another length, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The costs of a build: instructions of every call and cycles by method, and its memory at the end."""

    instructions: dict[str, list[int]]
    cycles: dict[str, int]
    memory: int
    stopped: str
    """What could not be called, and why; empty when everything was."""


def judge_budgets(run: GateRun, log: StageLog) -> None:
    """Measure every method that the suite's workload calls; a baseline sets the limits."""
    run.subject_wasm("its costs cannot be measured apart from its users' calls")
    run.judged_canister()
    run.sandbox.need(Capability.METRICS, "measuring")
    bill = _measure(run, run.request.subject)
    before = _baseline_bill(run, log)
    if bill.stopped:
        log.note(f"not everything was measured: {bill.stopped}")
    limit = 1 + run.request.budget / 100
    run.costs += [_cost(bill, before, method, limit) for method in sorted(bill.instructions)]
    run.figures.append(
        Figure(name=f"Memory after the {run.suite.workload_name}", value=human_bytes(bill.memory))
    )
    _compare(run, log, bill, before)


def _measure(run: GateRun, build: Build) -> Bill:
    """Run the workload on a new canister of this build."""
    network = run.sandbox.network
    with network.anchored():
        canister = run.sandbox.install(build)
        first, _ = network.metrics()
        stopped = run.suite.workload(run.target(canister, _SCENARIO))
        _, figures = network.metrics(first)
        memory = int(run.sandbox.management.canister_status(canister)["memory_size"])
    instructions: dict[str, list[int]] = {}
    cycles: dict[str, int] = {}
    for figure in figures:
        if figure.canister == canister and _was_called(figure.what):
            instructions.setdefault(figure.what, []).append(figure.instructions)
            cycles[figure.what] = cycles.get(figure.what, 0) - figure.cycles
    return Bill(instructions=instructions, cycles=cycles, memory=memory, stopped=stopped)


def _was_called(what: str) -> bool:
    # Methods that a canister calls on itself have names from the compiler that no interface can have.
    return what not in _UNCALLED and not what.startswith(("<", "__"))


def _baseline_bill(run: GateRun, log: StageLog) -> Bill | None:
    baseline = run.request.baseline
    if baseline is None or baseline.wasm is None:
        log.note("no Wasm of a baseline: costs are shown without a limit")
        return None
    return _measure(run, baseline)


def _cost(bill: Bill, before: Bill | None, method: str, limit: float) -> MethodCost:
    calls = bill.instructions[method]
    old = before.instructions.get(method) if before is not None else None
    baseline = int(median(old)) if old else None
    return MethodCost(
        method=method,
        calls=len(calls),
        median=int(median(calls)),
        dearest=max(calls),
        cycles=bill.cycles[method],
        baseline=baseline,
        budget=int(baseline * limit) + _NOISE if baseline is not None else None,
    )


def _compare(run: GateRun, log: StageLog, bill: Bill, before: Bill | None) -> None:
    over = [cost for cost in run.costs if cost.budget is not None and cost.median > cost.budget]
    for cost in over:
        log.fault(
            f"{cost.method} takes {cost.median:,} instructions, {_more(cost.median, cost.baseline)} than the "
            f"{cost.baseline:,} of the baseline; {run.request.budget:g} % are allowed"
        )
    log.note(f"{len(run.costs)} methods measured, the most expensive call is {_most_expensive(run.costs)}")
    if before is None:
        return
    if bill.memory > before.memory * (1 + run.request.budget / 100):
        log.fault(
            f"the same {run.suite.workload_name} needs {human_bytes(bill.memory)} of memory, "
            f"{_more(bill.memory, before.memory)} than the {human_bytes(before.memory)} of the baseline; "
            f"{run.request.budget:g} % are allowed"
        )
    if not log.faults:
        log.note(f"nothing costs over {run.request.budget:g} % more than in {_name(run)}")


def _more(now: int, then: int | None) -> str:
    return f"{(now / then - 1) * 100:.0f} % more" if then else "more"


def _most_expensive(costs: list[MethodCost]) -> str:
    if not costs:
        raise UnmetNeedError("no call was measured")
    most = max(costs, key=lambda cost: cost.dearest)
    return f"{most.method} with {most.dearest:,} instructions"


def _name(run: GateRun) -> str:
    return run.request.baseline.name if run.request.baseline is not None else "the baseline"
