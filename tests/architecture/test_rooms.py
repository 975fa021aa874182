"""The size of rooms: files, functions, nesting and parameters within the limits of the house."""

from __future__ import annotations

import re
from statistics import median

from .source import ROOT, FunctionNode, function_lines, modules, nesting, percentile

# Files of more than 500 lines that are pure tables, each with its reason.
LONG_FILES: dict[str, str] = {}
# Functions of more than 60 lines, or deeper than four levels, each with its reason.
LONG_FUNCTIONS: dict[str, str] = {}

OURS = [module for module in modules() if not module.generated]


def _functions() -> list[tuple[str, FunctionNode]]:
    return [(f"{module.label}:{node.name}", node) for module in OURS for node in module.functions()]


def test_files_are_rooms():
    """Files have a median of at most 150 lines, nine of ten at most 300, none over 500."""
    sizes = {module.label: len(module.lines) for module in OURS}
    assert {name: size for name, size in sizes.items() if size > 500 and name not in LONG_FILES} == {}
    assert median(sizes.values()) <= 150
    assert percentile(list(sizes.values()), 0.9) <= 300


def test_functions_are_read_without_scrolling():
    """Functions have a median of at most 8 lines, 90 % at most 25, 97 % at most 40, none over 60."""
    sizes = {name: function_lines(node) for name, node in _functions()}
    assert {name: size for name, size in sizes.items() if size > 60 and name not in LONG_FUNCTIONS} == {}
    values = list(sizes.values())
    assert median(values) <= 8
    assert percentile(values, 0.9) <= 25
    assert percentile(values, 0.97) <= 40


def test_nesting_is_shallow():
    """No function nests blocks deeper than four levels."""
    deep = {name: nesting(node) for name, node in _functions() if nesting(node) > 4}
    assert {name: depth for name, depth in deep.items() if name not in LONG_FUNCTIONS} == {}


def test_parameters_are_few():
    """Nine of ten functions take at most five parameters; more positional ones than five are exceptions."""
    counts = [len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs) for _, node in _functions()]
    assert percentile(counts, 0.9) <= 5


def test_nothing_is_left_for_later():
    """No file of the package holds a note of unfinished work, and escapes from the type checker are rare."""
    text = "\n".join(module.text for module in OURS)
    assert re.findall(r"\b(?:TODO|FIXME|XXX)\b", text) == []
    escapes = len(re.findall(r"type: ignore\[", text))
    assert len(re.findall(r"type: ignore(?!\[)", text)) == 0
    assert escapes <= 2 * len(text.splitlines()) / 1000


def test_tests_do_not_sleep():
    """A test waits for conditions, never for the clock."""
    sleep = re.compile(r"\b(?:time|asyncio|anyio|trio)\.sleep\((?!0\))")
    assert [module.label for module in modules("tests") if sleep.search(module.text)] == []


def test_scripts_are_short():
    """What a person types is at most 20 lines of shell; logic stands in Python."""
    scripts = [path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix]
    assert scripts
    assert [path.name for path in scripts if len(path.read_text(encoding="utf-8").splitlines()) > 20] == []


def test_no_path_of_a_machine():
    """No committed text names a folder of the machine it was written on."""
    pattern = re.compile(r"(?<![\w./-])/(?:root|home/\w+|Users/\w+)/")
    texts = [
        path
        for folder in ("src", "tests", "scripts", "candid", "fixtures")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".rs", ".toml", ".md", ".did", ".mjs", ".json", ".wat", ".mo"}
        and not {"target", "node_modules"} & set(path.parts)
    ]
    assert [str(path) for path in texts if pattern.search(path.read_text(encoding="utf-8"))] == []
