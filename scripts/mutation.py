"""Plants small faults in the source, one at a time, and lists those that no test finds; see `scripts/mutate`.

Each is planted in a copy of the project, such as `<` for `<=` or a condition turned round, and the tests run until the
first one fails. Prints each fault that no test finds, with its line; the exit status is 1 when there is one.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
}  # fmt: skip
TIMEOUT_S = 900
"""A fault that makes the tests hang is found after this time."""


@dataclass(frozen=True)
class Fault:
    """A replacement of one expression or statement."""

    file: Path
    line: int
    start: int
    end: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}: {self.before}  ->  {self.after}"


def faults(file: Path) -> list[Fault]:
    """Return every fault that can be planted in a file."""
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    offsets = [0]
    for line in text.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        for changed in _changes(node):
            start = offsets[node.lineno - 1] + node.col_offset
            end = offsets[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            before = text.encode()[start:end].decode()
            found.append(Fault(file, node.lineno, start, end, before, changed))
    return found


def _changes(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield the texts that may replace a node; expressions are put into parentheses."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield f"({ast.unparse(ast.Compare(node.left, [SWAPS[type(node.ops[0])](), *node.ops[1:]], node.comparators))})"
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not _texts(node):
        yield f"({ast.unparse(ast.BinOp(node.left, SWAPS[type(node.op)](), node.right))})"
    elif isinstance(node, ast.BoolOp):
        yield f"({ast.unparse(ast.BoolOp(SWAPS[type(node.op)](), node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value < 1 << 32:
        yield str(node.value + 1)
    elif isinstance(node, ast.Raise | ast.Continue | ast.Break):
        yield "pass"
    elif isinstance(node, ast.IfExp):
        yield f"({ast.unparse(ast.IfExp(node.test, node.orelse, node.body))})"


def _texts(node: ast.BinOp) -> bool:
    return any(isinstance(part, ast.Constant | ast.JoinedStr) and not isinstance(getattr(part, "value", 0), int)
               for part in (node.left, node.right))  # fmt: skip


def survives(fault: Fault, tests: list[str], copy: Path) -> bool:
    """Whether all tests pass with the fault in place."""
    target = copy / fault.file.relative_to(ROOT)
    original = target.read_bytes()
    target.write_bytes(original[: fault.start] + fault.after.encode() + original[fault.end :])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-xq",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-m",
        "not slow",
    ]
    environ = os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *tests], cwd=copy, env=environ, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    finally:
        target.write_bytes(original)
    return done.returncode == 0


def main() -> int:
    """Plant a sample of faults one after the other."""
    parser = argparse.ArgumentParser(prog="scripts/mutate")
    parser.add_argument("folder", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    place = asked.folder.resolve()
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    every = [fault for file in files for fault in faults(file)]
    chosen = random.Random(asked.seed).sample(every, min(asked.count, len(every)))  # noqa: S311 - a sample, no secret
    left = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv*", ".*_cache", "target", "node_modules")
        )
        for number, fault in enumerate(chosen, 1):
            if survives(fault, asked.tests, copy):
                left += 1
                print(f"not found: {fault}", flush=True)
            print(f"{number} of {len(chosen)}, {left} not found", file=sys.stderr, flush=True)
    print(f"{len(chosen) - left} of {len(chosen)} faults found ({len(every)} can be planted)")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
