"""What runs of tests measured: one as a user has it, one in which every text is an enemy's, one of enormous size."""

from __future__ import annotations

import dataclasses
from math import log2

from ic_harness.testing.measured import (
    ComparedDifference,
    ComparedResult,
    Counted,
    FailedRun,
    FileCounts,
    FlameFrame,
    FlameGraph,
    FunctionCost,
    FunctionCounts,
    GasLine,
    GasResult,
    GrowthFigures,
    GrowthResult,
    Measured,
    ModuleCounts,
    RunOutcome,
    SearchFinding,
    SearchResult,
)
from ic_harness.testing.results import CallSequence, MethodCost, Report, SequenceArrow, Subject, Verdict

from .samples import ENEMY

TEST = "tests/test_market.py::test_two_buyers"
SIZES = (8, 16, 32, 64, 128, 256)
CRATES = (
    "market::orders::insert",
    "market::orders::rebalance",
    "candid::de::value",
    "alloc::vec::grow",
    "memcpy",
)


def measured_run() -> Report:
    """A run of a project's tests with everything on: two failed, the others passed."""
    return Report(
        subject=Subject(
            canister="canisters of the tests",
            network="embedded",
            generation="",
            started="2026-11-22T20:00:00+00:00",
        ),
        verdict=Verdict.NOT_JUDGED,
        costs=(
            MethodCost(
                method="place_order", calls=420, median=1_204_331, dearest=9_120_442, cycles=812_000_000
            ),
            MethodCost(method="cancel", calls=12, median=98_113, dearest=110_002, cycles=9_000_000),
        ),
        sequences=(_sequence(TEST),),
        measured=Measured(
            run=_outcome(),
            coverage=(_module("market (0a1b2c3d)", 212, 171), _module("ledger (99e0a1b2)", 640, 388)),
            coverage_page="../ic-coverage/index.html",
            flames=(_flame("market (0a1b2c3d)"),),
            growth=(_growth(),),
            gas=_gas(),
            compared=_compared(),
            searches=_searches(),
            notes=("Worker gw1 ended without its records.",),
        ),
        seconds=48.1,
    )


def _outcome() -> RunOutcome:
    failures = (
        FailedRun(
            test=TEST,
            phase="call",
            message="assert 101 == 100\n +  where 101 = credit + coins",
            file="failures/test_market.py-test_two_buyers-1c9a.ic-failure",
            command="ic-harness replay failures/test_market.py-test_two_buyers-1c9a.ic-failure",
        ),
        FailedRun(
            test="tests/test_market.py::test_lists[a-very-long-parameter-that-somebody-wrote-for-a-case]",
            phase="setup",
            message="RejectError: Canister rwlgt-iiaaa-aaaaa-aaaaa-cai trapped: heap out of bounds",
            command="pytest 'tests/test_market.py::test_lists[a-very-long-parameter-that-somebody-wrote-for-a-case]'",
        ),
    )
    return RunOutcome(passed=40, failed=1, errors=1, skipped=2, expected=1, failures=failures)


def _module(title: str, functions: int, hit: int) -> ModuleCounts:
    names = [
        f"market::orders::{verb}_{noun}"
        for verb in ("insert", "drop", "move")
        for noun in ("order", "bid", "ask")
    ]
    return ModuleCounts(
        title=title,
        functions=Counted(hit, functions),
        blocks=Counted(hit * 9, functions * 11),
        arms=Counted(hit * 3, functions * 5),
        lines=Counted(812, 1_040),
        library=311,
        files=(
            FileCounts(
                path="src/market/src/lib.rs", lines=Counted(411, 498), missed="12-19, 44, 102-131, 240"
            ),
            FileCounts(path="src/market/src/orders/book.rs", lines=Counted(401, 401)),
            FileCounts(
                path="src/market/src/orders/rebalancing/of/levels.rs", lines=Counted(0, 141), missed="1-141"
            ),
        ),
        never=tuple(FunctionCounts(name=it, blocks=Counted(0, 14), arms=Counted(0, 4)) for it in names),
        executed=tuple(
            FunctionCounts(
                name=f"{it}::inner",
                blocks=Counted(3, 9),
                arms=Counted(1, 4),
                missed="0x1a2: false; 0x1b0: 2, default",
            )
            for it in names
        ),
        never_left_out=functions - hit - len(names),
        executed_left_out=hit - len(names),
    )


def _flame(title: str, name: str = "") -> FlameGraph:
    frames = [FlameFrame(name=name or "all messages", depth=0, start=0, total=1 << 20, own=0, calls=0)]
    for depth in range(1, 9):
        for place in range(1 << min(depth, 5)):
            width = (1 << 20) // (1 << min(depth, 5))
            total = width - (width >> 3) * (place % 3)
            text = name or (
                f"canister_update m{place}" if depth == 1 else CRATES[(depth + place) % len(CRATES)]
            )
            frames.append(
                FlameFrame(
                    name=text,
                    depth=depth,
                    start=place * width,
                    total=total,
                    own=total // 8,
                    calls=depth + place,
                )
            )
    functions = tuple(
        FunctionCost(name or it, 400_000 // place, 12 * place) for place, it in enumerate(CRATES, 1)
    )
    return FlameGraph(
        title=title,
        instructions=1 << 20,
        frames=tuple(frames),
        functions=functions,
        frames_left_out=31,
        lost=2,
    )


def _growth(text: str = "") -> GrowthResult:
    laws = {
        "market.place": lambda n: 900 * n * n + 40_000,
        "market.list (query)": lambda n: int(2_000 * n * log2(n)) + 900,
    }
    series = [
        GrowthFigures(
            subject=text or subject,
            what="instructions",
            sizes=SIZES,
            figures=tuple(law(n) for n in SIZES),
            limit=40_000_000_000,
        )
        for subject, law in laws.items()
    ]
    heap = GrowthFigures(
        subject=text or "market",
        what="heap",
        sizes=SIZES,
        figures=tuple(65_536 * n for n in SIZES),
        limit=4 << 30,
    )
    return GrowthResult(title=text or "tests/test_market.py::test_growth", series=(*series, heap))


def _gas() -> GasResult:
    return GasResult(
        summary="2 lines differ from .ic-gas: 1 changed, 1 new",
        lines=(
            GasLine(
                test=TEST,
                subject="market.place",
                before="90,512 (3 calls)",
                now="95,000 (3 calls)",
                change="+4.96 %",
            ),
            GasLine(test=TEST, subject="market.list (query)", before="", now="12,000 (1 call)", change="new"),
        ),
    )


def _compared() -> ComparedResult:
    difference = ComparedDifference(
        test=TEST,
        kind="answer",
        place="market.list() call 3",
        first="vec {1; 2}",
        second="vec {2; 1}",
        times=4,
    )
    return ComparedResult(
        first="embedded", second="http://127.0.0.1:4943", calls=210, differences=(difference,)
    )


def _searches() -> tuple[SearchResult, ...]:
    finding = SearchFinding(
        title="reply 1 of ledger.transfer trapped",
        problem="AssertionError: the lock is held for ever\nThe scenario ended with RejectError: trapped",
        steps=(
            "request 1 of market.place",
            "request 1 of ledger.transfer",
            "reply 1 of ledger.transfer <- trap",
        ),
        code="def test_place_again(market, crash_sweep):\n    crash_sweep(lambda: market.place(1), whole, only='…')",
    )
    return (
        SearchResult(
            kind="crash sweep",
            summary="1 of 48 interventions break the invariant, in 7 messages",
            test="tests/test_market.py::test_place",
            findings=(finding,),
            notes=("upgrades were left out: the module takes arguments",),
            command="pytest tests/test_market.py::test_place",
        ),
        SearchResult(
            kind="fuzz", summary="seed 7: 200 sequences, 1,911 calls of 9 methods in 3.1 s", test=TEST
        ),
    )


def _sequence(title: str) -> CallSequence:
    steps = [
        ("alice", "market", "call", "place"),
        ("market", "ledger", "call", "transfer"),
        ("ledger", "market", "reject", "transfer"),
    ]
    arrows = [
        SequenceArrow(number=number, source=source, target=target, kind=kind, label=label, detail="no funds")
        for number, (source, target, kind, label) in enumerate(steps, 1)
    ]
    return CallSequence(title=title, participants=("alice", "market", "ledger"), arrows=tuple(arrows))


def hostile_run(text: str = ENEMY) -> Report:
    """The same run in which every text is an enemy's."""
    report = measured_run()
    return dataclasses.replace(report, sequences=None, measured=_swapped(report.measured, text))


def _swapped(value, text):
    """Return a record with every text replaced, but for those that only ic-harness chooses."""
    if isinstance(value, tuple):
        return tuple(_swapped(it, text) for it in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fixed = {"what"}
        fields = {it.name: getattr(value, it.name) for it in dataclasses.fields(value)}
        return type(value)(**{key: it if key in fixed else _swapped(it, text) for key, it in fields.items()})
    return text if isinstance(value, str) else value


def enormous_run() -> Report:
    """A run whose names have megabytes, beyond what the recorders would let through."""
    report = hostile_run("x" * 1_000_000)
    assert report.measured is not None
    arrows = tuple(
        SequenceArrow(number=number, source="a", target="b", kind="call", label="y" * 10_000)
        for number in range(5_000)
    )
    calls = CallSequence(title="many", participants=("a", "b"), arrows=arrows)
    few = dataclasses.replace(
        report.measured,
        coverage=report.measured.coverage[:1],
        flames=(dataclasses.replace(report.measured.flames[0], frames=report.measured.flames[0].frames[:6]),),
    )
    return dataclasses.replace(report, measured=few, sequences=(calls,))
