"""Coverage of a module: which of its functions, and which arms of their branches, executed.

Functions of the standard libraries of Rust and of Motoko's run time are counted apart, by the names that the compilers
gave them: they are in every canister, and no test is about them. A module without names has no such functions.

Motoko's compiler writes the functions of the source and what it generates for them first, then `rts_start`, which is
followed by the run time that it links.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution.executed_lines import executed_lines
from ic_harness.testing.measured import Counted

from .records import ModuleTrace

_LIBRARIES: Final = frozenset(
    {"core", "alloc", "std", "compiler_builtins", "hashbrown", "dlmalloc", "rustc_demangle", "__rustc"}
)
_RUNTIME: Final = frozenset({"memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"})
_LIBRARY_PATHS: Final = (
    "/rustc/",
    "/rustlib/",
    "/.cargo/",
    "/cargo/registry/",
    "/library/std/",
    "/library/core/",
)
_MOTOKO_MARK: Final = "rts_start"
"""The last function of a Motoko module that its compiler writes before the run time."""
_MOTOKO_GENERATED: Final = re.compile(
    r"@(?!anon-func)|(?:trans_state|alloc_|obj_idx<)\d+|(?:pre|post)_exp$|[BU]_[a-z]+$|(?:add|sub|mul|pow)<\w+>$"
    r"|\$?__motoko_|__stablemem_|moc_|keep_memory_reserve$|(?:ic|rts|bigint)_trap$|(?:pre|post)_upgrade$|timer_exp$"
    r"|canister_(?:init|global_timer)$|initialize_root_array$|idl_limit_check$|int_from_i64$|gatherExpired$"
    r"|cycle_(?:add|refunded)$|Blob\.compare_eq$|get_heap_base$|print_ptr$"
)
"""Functions that the compiler generates for types, calls, upgrades and timers."""
_FIRST_PATH: Final = re.compile(
    r"[<&*\[( ]*(?:mut |dyn |const )?(?P<crate>[A-Za-z_][A-Za-z0-9_]*)(?P<path>::)?"
)


NOTHING: Final = Counted(0, 0)


@dataclass(frozen=True, slots=True)
class BranchCoverage:
    """A branch: its offset in the code section's content, and whether each arm executed."""

    offset: int
    arms: tuple[bool, ...]

    @property
    def counted(self) -> Counted:
        """The arms that executed."""
        return Counted(sum(self.arms), len(self.arms))


@dataclass(frozen=True, slots=True)
class FunctionCoverage:
    """A function of the canister. `library` functions belong to a standard library."""

    index: int
    name: str
    hit: bool
    blocks: Counted
    branches: tuple[BranchCoverage, ...]
    library: bool

    @property
    def arms(self) -> Counted:
        """The arms of all its branches."""
        return sum((branch.counted for branch in self.branches), NOTHING)


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """A source file of the canister: its path as the compiler wrote it, and whether each line with code executed."""

    path: str
    lines: Mapping[int, bool]

    @property
    def counted(self) -> Counted:
        """The lines that executed."""
        return Counted(sum(self.lines.values()), len(self.lines))


@dataclass(frozen=True, slots=True)
class ModuleCoverage:
    """The coverage of one module; `functions` are in the order of the module.

    `files` are sorted by path, without those of libraries; there are none where the module has no line table.
    """

    title: str
    file_name: str
    functions: tuple[FunctionCoverage, ...]
    files: tuple[FileCoverage, ...] = ()

    @property
    def lines(self) -> Counted:
        """The lines of all files."""
        return sum((it.counted for it in self.files), NOTHING)

    @property
    def own(self) -> tuple[FunctionCoverage, ...]:
        """The functions that are not of a standard library."""
        return tuple(it for it in self.functions if not it.library)

    @property
    def counted(self) -> Counted:
        """The own functions that executed."""
        return Counted(sum(it.hit for it in self.own), len(self.own))

    @property
    def blocks(self) -> Counted:
        """The blocks of own functions."""
        return sum((it.blocks for it in self.own), NOTHING)

    @property
    def arms(self) -> Counted:
        """The arms of branches of own functions."""
        return sum((it.arms for it in self.own), NOTHING)


def measure_coverage(trace: ModuleTrace) -> ModuleCoverage:
    """Return the coverage of a module."""
    covered, places, names = trace.covered, trace.places, trace.names
    blocks: dict[int, Counted] = {}
    for block in places.blocks:
        blocks[block.function] = blocks.get(block.function, NOTHING) + Counted(covered[block.byte], 1)
    branches: dict[int, list[BranchCoverage]] = {}
    for it in places.branches:
        arms = tuple(byte == 1 for byte in covered[it.byte : it.byte + it.arms])
        branches.setdefault(it.function, []).append(BranchCoverage(it.offset, arms))
    functions = []
    named = [names.name(names.imported + number) for number in range(len(places.functions))]
    motoko = _motoko_functions(named)
    for number, byte in enumerate(places.functions):
        index, name = names.imported + number, named[number]
        functions.append(
            FunctionCoverage(
                index,
                name,
                covered[byte] == 1,
                blocks.get(index, NOTHING),
                tuple(branches.get(index, ())),
                is_library(name)
                if motoko is None
                else number >= motoko or _MOTOKO_GENERATED.match(name) is not None,
            )
        )
    lines = executed_lines(trace.wasm, places, covered)
    files = tuple(FileCoverage(path, lines[path]) for path in sorted(lines) if not is_library_path(path))
    return ModuleCoverage(trace.title, trace.file_name, tuple(functions), files)


def _motoko_functions(names: Sequence[str]) -> int | None:
    """Return how many functions a Motoko module has before its run time; None for a module of another compiler."""
    if _MOTOKO_MARK not in names:
        return None
    return len(names) - 1 - names[::-1].index(_MOTOKO_MARK)


def is_library_path(path: str) -> bool:
    """Whether a source file belongs to Rust's libraries or to a crate that was downloaded."""
    whole = f"/{path}".replace("\\", "/")
    return any(part in whole for part in _LIBRARY_PATHS)


def is_library(name: str) -> bool:
    """Whether a function belongs to a standard library of Rust, by its name."""
    if name in _RUNTIME:
        return True
    found = _FIRST_PATH.match(name)
    return found is not None and found["path"] is not None and found["crate"] in _LIBRARIES


def never_executed(module: ModuleCoverage) -> Sequence[FunctionCoverage]:
    """Return the own functions that never executed, the largest first."""
    return sorted((it for it in module.own if not it.hit), key=lambda it: (-it.blocks.total, it.index))
