"""Plants small faults in the source, one at a time, and lists those that no test finds; see `scripts/mutate`.

Each is planted in a copy of the project, such as `<` for `<=` or a condition turned round, and the tests run until the
first one fails. Prints each fault that no test finds, with its line; the exit status is 1 when there is one.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
}  # fmt: skip
SLOWER = 10
"""A fault that makes the tests hang is found after this many times their duration, or after `--limit` if later."""


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
    for node in _walk(tree):
        if not isinstance(node, ast.expr | ast.stmt):
            continue
        for changed in _changes(node):
            start = offsets[node.lineno - 1] + node.col_offset
            end = offsets[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            before = text.encode()[start:end].decode()
            found.append(Fault(file, node.lineno, start, end, before, changed))
    return found


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs below a node: no annotation, for they are never evaluated here."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in {"annotation", "returns"}:
            for below in value if isinstance(value, list) else [value]:
                if isinstance(below, ast.AST):
                    yield from _walk(below)


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


def loaded_elsewhere(copy: Path) -> list[str]:
    """Return the names of the loaded modules that are not part of the project, in the order of their import."""
    ours = (str(copy), str(ROOT / "src"), str(ROOT / "tests"))
    return [
        name
        for name, module in list(sys.modules.items())
        if name != "__main__" and not str(getattr(module, "__file__", None) or "").startswith(ours)
    ]


class Runner:
    """Runs the tests in forks of this process, which has their libraries loaded, and not the project."""

    def __init__(self, tests: list[str], copy: Path, limit_s: float) -> None:
        self.tests = tests
        self.copy = copy
        self.output = copy.parent / "output.txt"
        self.least_s = limit_s
        self.limit_s: float | None = None

    def prepare(self) -> None:
        """Run the tests without a fault: they must pass. Load what they loaded; choose the time limit."""
        listing = self.copy.parent / "modules.json"
        status = self.status(listing)
        if status != 0:
            print(self.output.read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
            raise SystemExit(f"the tests fail without a fault (exit status {status}): {' '.join(self.tests)}")
        for name in json.loads(listing.read_text(encoding="utf-8")):
            with contextlib.suppress(ImportError):  # made by another module, such as `six.moves`
                importlib.import_module(name)
        began = time.monotonic()
        self.status()
        self.limit_s = max(self.least_s, SLOWER * (time.monotonic() - began))

    def status(self, listing: Path | None = None) -> int | None:
        """Return pytest's exit status, None when the tests did not end in time."""
        process = multiprocessing.get_context("fork").Process(target=self._test, args=(listing,))
        process.start()
        try:
            process.join(self.limit_s)
            return process.exitcode
        finally:
            with contextlib.suppress(ProcessLookupError):  # also what the tests started and left behind
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.join()

    def _test(self, listing: Path | None) -> None:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        output = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(self.copy)
        paths = [str(self.copy), str(self.copy / "src")]
        sys.path[:] = paths + [path for path in sys.path if path != str(Path(__file__).parent)]
        sys.dont_write_bytecode = True
        os.environ.update(PYTHONPATH=os.pathsep.join(paths), PYTHONDONTWRITEBYTECODE="1")
        import pytest  # noqa: PLC0415 - after the path is set, in the first fork

        options = ["-xq", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
        # The libraries are loaded before pytest can rewrite the assertions of those that are plugins.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = int(pytest.main([*options, *self.tests]))
        if listing is not None:
            listing.write_text(json.dumps(loaded_elsewhere(self.copy)), encoding="utf-8")
        sys.exit(status)

    def survives(self, fault: Fault) -> bool:
        """Whether all tests pass with the fault in place; one that makes them hang is found."""
        target = self.copy / fault.file.relative_to(ROOT)
        original = target.read_bytes()
        target.write_bytes(original[: fault.start] + fault.after.encode() + original[fault.end :])
        try:
            return self.status() == 0
        finally:
            target.write_bytes(original)


def main() -> int:
    """Plant a sample of faults one after the other."""
    parser = argparse.ArgumentParser(prog="scripts/mutate")
    parser.add_argument("folder", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--limit", type=float, default=30.0, help="the least time limit of the tests, in seconds"
    )
    asked = parser.parse_args()
    place = asked.folder.resolve()
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    every = [fault for file in files for fault in faults(file)]
    chosen = random.Random(asked.seed).sample(every, min(asked.count, len(every)))  # noqa: S311 - a sample, no secret
    left = 0
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the copy is removed then too
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv*", ".*_cache", "target", "node_modules")
        )
        runner = Runner(asked.tests, copy, asked.limit)
        runner.prepare()
        for number, fault in enumerate(chosen, 1):
            if runner.survives(fault):
                left += 1
                print(f"not found: {fault}", flush=True)
            print(f"{number} of {len(chosen)}, {left} not found", file=sys.stderr, flush=True)
    print(f"{len(chosen) - left} of {len(chosen)} faults found ({len(every)} can be planted)")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
