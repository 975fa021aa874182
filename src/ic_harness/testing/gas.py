"""The gas file: the instructions and cycles of each method in each test, one line for both, to be committed.

    tests/test_counter.py::test_counts counter.get (query) calls=1 instructions=18_034
    tests/test_counter.py::test_counts counter.increment calls=3 instructions=90_512 cycles=3_875_609

Lines are sorted, so that a change is a difference of the lines that it is about. Instructions are those of all calls
in the test; cycles are those by which they lowered the balance, where they changed it. How often a canister's own
timers and heartbeats run is chance: of them the most expensive run counts, and the line says `calls=any` and has no
cycles. Lines that an earlier version wrote have none either, and are not compared by them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError
from ic_harness.files import write_atomically
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import brief, clean, read_text

GAS_FILE: Final = ".ic-gas"
DEFAULT_TOLERANCE: Final = 1.0
"""Per cent by which a line may differ: lengths of encoded times and numbers change a little from run to run."""
_HEAD: Final = """\
# What canister methods cost by test. Written by `pytest --ic-gas=update`, compared by `pytest --ic-gas=check`.
"""
_LINE: Final = re.compile(
    r"(?P<test>\S.*) (?P<method>(?!\(query\) calls=)\S+)(?P<query> \(query\))? calls=(?P<calls>any|[0-9][0-9_]{0,30})"
    r" instructions=(?P<instructions>[0-9][0-9_]{0,30})(?: cycles=(?P<cycles>-?[0-9][0-9_]{0,40}))?"
)
_BY_ITSELF: Final = frozenset({"heartbeat", "global_timer", "on_low_wasm_memory"})
"""Messages that a canister gets when its own time has come."""

Key = tuple[str, str, bool]
"""A line's test, `canister.method`, and whether it is a query."""


@dataclass(frozen=True, slots=True, order=True)
class GasEntry:
    """One line: the calls of one method in one test, None for any number, their instructions and cycles.

    `cycles` is None where they are not known.
    """

    test: str
    method: str
    query: bool
    calls: int | None
    instructions: int
    cycles: int | None = None

    @property
    def key(self) -> Key:
        """What the line is about."""
        return self.test, self.method, self.query

    @property
    def subject(self) -> str:
        """The method as it is shown: `counter.get (query)`."""
        return f"{self.method}{' (query)' if self.query else ''}"

    def line(self) -> str:
        """Return the line of the file."""
        calls = "any" if self.calls is None else f"{self.calls:_}"
        cycles = f" cycles={self.cycles:_}" if self.cycles else ""
        return f"{self.test} {self.subject} calls={calls} instructions={self.instructions:_}{cycles}"


Gas = Mapping[Key, GasEntry]


@dataclass(frozen=True, slots=True)
class GasDifference:
    """A line that differs; `before` is None for a new one, `now` for one that is no longer measured."""

    before: GasEntry | None
    now: GasEntry | None

    @property
    def entry(self) -> GasEntry:
        """The line as it is, or as it was."""
        found = self.now or self.before
        assert found is not None, "bug: a difference of nothing"
        return found

    @property
    def change(self) -> str:
        """By how much it differs: `+12.5 %`, `new`, `gone`."""
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        instructions = _change(self.before.instructions, self.now.instructions)
        if not self.before.cycles:
            return instructions
        cycles = _change(self.before.cycles, self.now.cycles or 0)
        return instructions if cycles == instructions else f"{instructions}, cycles {cycles}"


def _change(before: int, now: int) -> str:
    return f"{100 * (now - before) / abs(before):+.2f} %" if before else f"+{now:,}"


def measure(test: str, uses: Iterable[tuple[str, str, bool, Collection[int], int]]) -> dict[Key, GasEntry]:
    """Return the lines of one test from its calls: canister, method, whether a query, each's instructions, cycles."""
    name = name_of_test(test)
    found: dict[Key, GasEntry] = {}
    for canister, method, query, instructions, cycles in uses:
        shown = re.sub(r"\s+", "·", clean(f"{canister}.{method}"))
        alone = method in _BY_ITSELF
        entry = GasEntry(
            name,
            shown,
            query,
            None if alone else len(instructions),
            max(instructions, default=0) if alone else sum(instructions),
            None if alone else cycles or None,
        )
        found[entry.key] = _joined(found.get(entry.key), entry)
    return found


def name_of_test(nodeid: str) -> str:
    """Return the id of a test as the file has it: on one line, without characters that deceive a reader."""
    return clean(nodeid, max_line=len(nodeid) + 1).replace("\n", "␊").replace("\t", "␉")


def _joined(first: GasEntry | None, other: GasEntry) -> GasEntry:
    """Join two lines of one name: two canisters of a test can have the same."""
    if first is None:
        return other
    if first.calls is None or other.calls is None:
        return max(first, other, key=lambda entry: entry.instructions)
    calls, instructions = first.calls + other.calls, first.instructions + other.instructions
    cycles = (first.cycles or 0) + (other.cycles or 0) or None
    return GasEntry(first.test, first.method, first.query, calls, instructions, cycles)


def compare(before: Gas, now: Gas, tolerance: float) -> list[GasDifference]:
    """Return the lines that differ by more than `tolerance` per cent, are new or gone, in the order of the file."""
    return [
        GasDifference(before.get(key), now.get(key))
        for key in sorted({*before, *now})
        if not _alike(before.get(key), now.get(key), tolerance)
    ]


def merge(
    before: Gas, measured: Mapping[str, Gas], gone: Collection[str], tolerance: float
) -> dict[Key, GasEntry]:
    """Return the lines after a run: those of `measured` tests anew, those of `gone` tests not, all others as before.

    A line within `tolerance` stays as it was, so that the file does not change without need, and many small changes
    add up until they are seen.
    """
    kept = {key: entry for key, entry in before.items() if key[0] not in measured and key[0] not in gone}
    for entries in measured.values():
        for key, entry in entries.items():
            old = before.get(key)
            same = old is not None and _alike(old, entry, tolerance) and (old.cycles or not entry.cycles)
            kept[key] = old if old is not None and same else entry
    return kept


def _alike(before: GasEntry | None, now: GasEntry | None, tolerance: float) -> bool:
    if before is None or now is None:
        return before is now
    if before.cycles and not _near(before.cycles, now.cycles or 0, tolerance):
        return False
    return _near(before.instructions, now.instructions, tolerance)


def _near(before: int, now: int, tolerance: float) -> bool:
    return abs(now - before) * 100 <= tolerance * abs(before)


def read_gas(path: Path) -> dict[Key, GasEntry]:
    """Read a gas file; one that is not there is empty. Raises `InputError` with the line that is none."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    found: dict[Key, GasEntry] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _parse(line.rstrip("\r"))
        if entry is None or entry.key in found:
            what = "no line of a gas file" if entry is None else "a second line for the same test and method"
            raise InputError(
                f"{path}, line {number} is {what}: {brief(line)}; mend it (a merge may have left it), or delete the "
                f"file and run pytest --ic-gas=update"
            )
        found[entry.key] = entry
    return found


def _parse(line: str) -> GasEntry | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    calls = None if found["calls"] == "any" else int(found["calls"].replace("_", ""))
    instructions = int(found["instructions"].replace("_", ""))
    cycles = None if found["cycles"] is None else int(found["cycles"].replace("_", ""))
    return GasEntry(found["test"], found["method"], found["query"] is not None, calls, instructions, cycles)


def write_gas(path: Path, gas: Gas) -> None:
    """Replace a gas file as a whole. Raises `InputError` or `OSError` when it cannot be written."""
    lines = "".join(f"{gas[key].line()}\n" for key in sorted(gas))
    write_atomically(path.resolve(), [_HEAD.encode(), lines.encode()])
