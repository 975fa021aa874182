"""What a run of tests measured besides guarantees, as data: coverage, instructions, growth, differences, findings.

Like `results`, all types are frozen records of plain values. The lists are bounded where they are made; `…_left_out`
counts what did not fit. Names are of canisters and their compilers: they are escaped where they are shown.
"""

from __future__ import annotations

from ic_harness.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of `total` places executed."""

    hit: int
    total: int

    @property
    def share(self) -> float | None:
        """The part that executed, 0 to 1; None where there is nothing."""
        return self.hit / self.total if self.total else None

    @property
    def percent(self) -> str:
        """The part in per cent, never rounded up to 100; empty where there is nothing."""
        if not self.total:
            return ""
        return f"{self.hit * 1000 // self.total / 10:.1f} %"

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.hit + other.hit, self.total + other.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCounts:
    """A function: its blocks and arms of branches, and which arms never executed, as text."""

    name: str
    blocks: Counted
    arms: Counted
    missed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """A source file: its lines, and the ranges of those that never executed, such as `3-7, 12`."""

    path: str
    lines: Counted
    missed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCounts:
    """The coverage of a module. `never` are functions that never executed, `executed` the others.

    `library` is the number of functions of standard libraries, which are not counted.
    """

    title: str
    functions: Counted
    blocks: Counted
    arms: Counted
    lines: Counted
    library: int = 0
    files: tuple[FileCounts, ...] = ()
    never: tuple[FunctionCounts, ...] = ()
    executed: tuple[FunctionCounts, ...] = ()
    files_left_out: int = 0
    never_left_out: int = 0
    executed_left_out: int = 0


@dataclass(frozen=True, slots=True, order=True)
class FunctionCost:
    """A function over the whole tree of calls: instructions of its own code, and its calls."""

    name: str
    own: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlameFrame:
    """A frame of a flame graph: `start` is where it begins, in instructions; `depth` 0 is all messages."""

    name: str
    depth: int
    start: int
    total: int
    own: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlameGraph:
    """Where a module spent its instructions: the frames that can be seen, and the most expensive functions.

    `lost` counts calls that did not fit into the recorded tree.
    """

    title: str
    instructions: int
    frames: tuple[FlameFrame, ...]
    functions: tuple[FunctionCost, ...] = ()
    frames_left_out: int = 0
    functions_left_out: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthFigures:
    """One figure of a workload at all sizes, and its limit; the law follows from them."""

    subject: str
    what: str
    sizes: tuple[int, ...]
    figures: tuple[int, ...]
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthResult:
    """How the figures of one workload grow."""

    title: str
    series: tuple[GrowthFigures, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GasLine:
    """A line of the gas file that differs; `before` and `now` are instructions and calls as text, "" for none."""

    test: str
    subject: str
    before: str
    now: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GasResult:
    """The comparison with the gas file: the result in a line, and the lines that differ."""

    summary: str
    lines: tuple[GasLine, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedDifference:
    """What two networks did differently in a test, and how many times."""

    test: str
    kind: str
    place: str
    first: str
    second: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedResult:
    """The comparison of two networks."""

    first: str
    second: str
    calls: int
    differences: tuple[ComparedDifference, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFinding:
    """What a search found: the failure that was injected or the invariant, the steps to it, and a test to paste."""

    title: str
    problem: str
    steps: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A crash sweep, an exploration of orders, or a fuzz: `kind` says which, `summary` how much was run.

    `command` makes the search again, "" where there is none.
    """

    kind: str
    summary: str
    test: str = ""
    findings: tuple[SearchFinding, ...] = ()
    notes: tuple[str, ...] = ()
    command: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A test that failed: in which phase, with which message, and the file and command that show it again."""

    test: str
    phase: str
    message: str
    file: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How the tests of a run ended. `expected` failed as they were expected to; `errors` failed outside of the call."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    expected: int = 0
    interrupted: bool = False
    failures: tuple[FailedRun, ...] = ()
    left_out: int = 0

    @property
    def total(self) -> int:
        """All tests that ended."""
        return self.passed + self.failed + self.errors + self.skipped + self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that a run measured; what was not measured is empty or None.

    `coverage_page` is the page with sources, relative to the folder of the report. `notes` are sentences about what is
    missing.
    """

    run: RunOutcome | None = None
    coverage: tuple[ModuleCounts, ...] = ()
    coverage_page: str = ""
    flames: tuple[FlameGraph, ...] = ()
    growth: tuple[GrowthResult, ...] = ()
    gas: GasResult | None = None
    compared: ComparedResult | None = None
    searches: tuple[SearchResult, ...] = ()
    notes: tuple[str, ...] = ()
