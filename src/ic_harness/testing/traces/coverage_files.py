"""Coverage for other tools: LCOV and Cobertura files.

Both formats are about lines of source files. Functions and branches are known by function only, so each module has a
listing, a text file with one line for each function, and they are about the lines of that listing. Source files, where
the module has a line table, follow with their own lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from ic_harness.testing.measured import Counted
from ic_harness.text import one_line

from .coverage import NOTHING, FileCoverage, FunctionCoverage, ModuleCoverage

_NAME: Final = 300
"""Characters of a function's name in the files."""


def shown_name(function: FunctionCoverage) -> str:
    """Return a function's name on one line, without characters that deceive a reader, and without commas."""
    return one_line(function.name, _NAME).replace(",", ";") or f"function {function.index}"


def shown_path(file: FileCoverage) -> str:
    """Return the path of a source file on one line, without characters that deceive a reader."""
    return one_line(file.path, _NAME)


def listing(module: ModuleCoverage) -> str:
    """Return the text whose lines LCOV and Cobertura files are about: the own functions, one line each."""
    return "".join(f"{shown_name(it)}\n" for it in module.own)


def listing_name(module: ModuleCoverage) -> str:
    """Return the file name of a module's listing."""
    return f"{module.file_name}.functions.txt"


def to_lcov(modules: Iterable[ModuleCoverage]) -> str:
    """Write an LCOV tracefile."""
    return "".join(f"{line}\n" for module in modules for line in _lcov(module))


def _lcov(module: ModuleCoverage) -> Iterable[str]:
    yield "TN:"
    yield f"SF:{listing_name(module)}"
    for line, it in enumerate(module.own, 1):
        yield f"FN:{line},{it.index}:{shown_name(it)}"
        yield f"FNDA:{int(it.hit)},{it.index}:{shown_name(it)}"
    functions = module.counted
    yield f"FNF:{functions.total}"
    yield f"FNH:{functions.hit}"
    for line, it in enumerate(module.own, 1):
        for block, branch in enumerate(it.branches):
            for number, arm in enumerate(branch.arms):
                yield f"BRDA:{line},{block},{number},{int(arm) if it.hit else '-'}"
    arms = module.arms
    yield f"BRF:{arms.total}"
    yield f"BRH:{arms.hit}"
    for line, it in enumerate(module.own, 1):
        yield f"DA:{line},{int(it.hit)}"
    yield f"LF:{functions.total}"
    yield f"LH:{functions.hit}"
    yield "end_of_record"
    for file in module.files:
        yield from ("TN:", f"SF:{shown_path(file)}")
        yield from (f"DA:{line},{int(hit)}" for line, hit in sorted(file.lines.items()))
        yield from (f"LF:{file.counted.total}", f"LH:{file.counted.hit}", "end_of_record")


def to_cobertura(modules: Sequence[ModuleCoverage]) -> str:
    """Write a Cobertura file (coverage-04.dtd). Its timestamp is zero, so that equal runs write equal files."""
    functions = sum((it.counted for it in modules), NOTHING)
    arms = sum((it.arms for it in modules), NOTHING)
    head = (
        f'<coverage line-rate="{_rate(functions)}" branch-rate="{_rate(arms)}" lines-covered="{functions.hit}" '
        f'lines-valid="{functions.total}" branches-covered="{arms.hit}" branches-valid="{arms.total}" '
        'complexity="0" version="ic-harness" timestamp="0">'
    )
    packages = "".join(map(_package, modules))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">\n'
        f"{head}\n<sources><source>.</source></sources>\n<packages>\n{packages}</packages>\n</coverage>\n"
    )


def _package(module: ModuleCoverage) -> str:
    rates = f'line-rate="{_rate(module.counted)}" branch-rate="{_rate(module.arms)}" complexity="0"'
    name, file = quoteattr(module.file_name), quoteattr(listing_name(module))
    methods = "".join(_method(line, it) for line, it in enumerate(module.own, 1))
    lines = "".join(_line(line, it) for line, it in enumerate(module.own, 1))
    return (
        f"<package name={name} {rates}><classes><class name={name} filename={file} {rates}>\n"
        f"<methods>\n{methods}</methods>\n<lines>\n{lines}</lines>\n</class>{''.join(map(_file, module.files))}"
        "</classes></package>\n"
    )


def _file(file: FileCoverage) -> str:
    name = quoteattr(shown_path(file))
    lines = "".join(
        f'<line number="{line}" hits="{int(hit)}" branch="false"/>\n'
        for line, hit in sorted(file.lines.items())
    )
    rates = f'line-rate="{_rate(file.counted)}" branch-rate="1" complexity="0"'
    return f"<class name={name} filename={name} {rates}>\n<methods/>\n<lines>\n{lines}</lines>\n</class>"


def _method(line: int, function: FunctionCoverage) -> str:
    rates = f'line-rate="{int(function.hit)}" branch-rate="{_rate(function.arms)}" complexity="0"'
    name = quoteattr(shown_name(function))
    return f'<method name={name} signature="" {rates}><lines>{_line(line, function)}</lines></method>\n'


def _line(line: int, function: FunctionCoverage) -> str:
    arms = function.arms
    if not arms.total:
        return f'<line number="{line}" hits="{int(function.hit)}" branch="false"/>\n'
    share = f"{arms.hit * 100 // arms.total}% ({arms.hit}/{arms.total})"
    return f'<line number="{line}" hits="{int(function.hit)}" branch="true" condition-coverage="{share}"/>\n'


def _rate(counted: Counted) -> str:
    return f"{counted.share:.4f}" if counted.share is not None else "1"
