"""The coverage of a module as plain, bounded values: what the report and the page of the coverage show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ic_harness.testing.measured import FileCounts, FunctionCounts, ModuleCounts
from ic_harness.text import one_line

from .coverage import FileCoverage, FunctionCoverage, ModuleCoverage, never_executed

_NAME: Final = 200
_RANGES: Final = 60
_ARMS: Final = 4


def counts_of(module: ModuleCoverage, *, functions: int, files: int) -> ModuleCounts:
    """Return the coverage as the report shows it, with so many functions of each kind and files at most.

    Functions come with the largest first that never executed, and of the others those with the most unexecuted blocks.
    """
    never = never_executed(module)
    executed = sorted(
        (it for it in module.own if it.hit), key=lambda it: (it.blocks.hit - it.blocks.total, it.index)
    )
    return ModuleCounts(
        title=module.title,
        functions=module.counted,
        blocks=module.blocks,
        arms=module.arms,
        lines=module.lines,
        library=len(module.functions) - len(module.own),
        files=tuple(map(_file, module.files[:files])),
        never=tuple(map(_function, never[:functions])),
        executed=tuple(map(_function, executed[:functions])),
        files_left_out=max(0, len(module.files) - files),
        never_left_out=max(0, len(never) - functions),
        executed_left_out=max(0, len(executed) - functions),
    )


def _file(file: FileCoverage) -> FileCounts:
    missed = [line for line, hit in sorted(file.lines.items()) if not hit]
    return FileCounts(path=one_line(file.path, _NAME), lines=file.counted, missed=line_ranges(missed))


def line_ranges(lines: Sequence[int]) -> str:
    """Return ascending line numbers as ranges, `3-7, 12`; beyond sixty ranges the number of lines that are left."""
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    shown = ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in ranges[:_RANGES])
    left = sum(last - one + 1 for one, last in ranges[_RANGES:])
    return f"{shown} and {left:,} more lines" if left else shown


def _function(function: FunctionCoverage) -> FunctionCounts:
    return FunctionCounts(
        name=one_line(function.name, _NAME),
        blocks=function.blocks,
        arms=function.arms,
        missed=_missed(function) if function.hit else "",
    )


def _missed(function: FunctionCoverage) -> str:
    """Return the arms that never executed of branches that did, by the branch's offset in the code section."""
    missed = [
        f"0x{branch.offset:x}: {', '.join(_arm(number, len(branch.arms)) for number in arms)}"
        for branch in function.branches
        if any(branch.arms)
        for arms in [[number for number, arm in enumerate(branch.arms) if not arm]]
        if arms
    ]
    return "; ".join(missed[:_ARMS]) + (f"; and {len(missed) - _ARMS} more" if len(missed) > _ARMS else "")


def _arm(number: int, count: int) -> str:
    if count == 2:
        return "false" if number else "true"
    return "default" if number == count - 1 else str(number)
