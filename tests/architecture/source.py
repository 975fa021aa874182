"""What the architecture tests measure: the modules of both packages, their imports and their functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGES = ("ic_harness", "ic_capsule")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_NESTING = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@dataclass(frozen=True)
class Import:
    """One import statement: what it names, where it stands, and whether it runs when the module loads."""

    module: str
    line: int
    lazy: bool
    typing_only: bool
    marked: bool


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def label(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def generated(self) -> bool:
        return self.path.stem.startswith("_generated")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The package with the folder or file directly below it that this module belongs to: `ic_harness.candid`."""
        return room_of(self.name)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every import statement, also those inside functions."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        lazy_nodes = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, FunctionNode)
            for inner in ast.walk(node)
        }
        typing_nodes = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        statements = (node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom))
        for node in statements:
            for target in self._targets(node):
                yield Import(
                    module=target,
                    line=node.lineno,
                    lazy=id(node) in lazy_nodes,
                    typing_only=id(node) in typing_nodes,
                    marked="# lazy" in self.lines[node.lineno - 1],
                )

    def _targets(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = self._absolute(node)
        if base.split(".")[0] not in PACKAGES:
            return [base]
        found = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in module_names() else base for name in found]

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        if self.path.stem != "__init__":
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def functions(self) -> Iterator[FunctionNode]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))


def room_of(name: str) -> str:
    """The room of a module by its dotted name; the package itself for the package's own `__init__`."""
    return ".".join(name.split(".")[:2])


@cache
def modules(folder: str = "src") -> tuple[Module, ...]:
    """Every hand-written and generated Python file below `folder`."""
    return tuple(Module(path) for path in sorted((ROOT / folder).rglob("*.py")))


def imports() -> Iterator[tuple[Module, Import]]:
    """Every import of both packages, with the module that it stands in."""
    return ((module, imported) for module in modules() for imported in module.imports)


@cache
def module_names() -> frozenset[str]:
    """The dotted names of the modules of both packages."""
    return frozenset(module.name for module in modules())


def function_lines(node: FunctionNode) -> int:
    """The number of lines of a function without its docstring and decorators."""
    body = node.body
    has_docstring = isinstance(body[0], ast.Expr) and isinstance(
        getattr(body[0], "value", None), ast.Constant
    )
    docstring = (body[0].end_lineno or 0) - body[0].lineno + 1 if has_docstring else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def nesting(node: ast.AST) -> int:
    """How deep blocks stand in each other inside a function; `elif` is no level of its own."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode | ast.ClassDef):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        level = 1 if isinstance(child, _NESTING) and not is_elif else 0
        deepest = max(deepest, level + nesting(child))
    return deepest


def percentile(values: list[int], share: float) -> int:
    """The value that `share` (0 to 1) of the sorted values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
