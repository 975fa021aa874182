"""Each room has one door: an `__all__` that tells the truth, and nobody climbs in by a window."""

from __future__ import annotations

import ast
import importlib

import pytest

from .source import PACKAGE, SOURCE, imports, modules

ROOMS = sorted(path.parent.name for path in (SOURCE / PACKAGE).glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_door_tells_the_truth(room):
    """`__all__` of a room is without doubles, and every name in it exists (the linter keeps it sorted)."""
    door = importlib.import_module(f"{PACKAGE}.{room}")
    names = list(door.__all__)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(door, name)] == []


def test_other_rooms_are_entered_by_the_door():
    """A room imports from another room's `__init__` only."""
    windows = [
        f"{module.label}:{imported.line} imports {imported.module}"
        for module, imported in imports()
        if imported.module.startswith(f"{PACKAGE}.")
        and (room := imported.module.split(".")[1]) in ROOMS
        and room != module.room
        and len(imported.module.split(".")) > 2
        and imported.module not in ENTRANCES
    ]
    assert windows == []


# Submodules that are doors themselves: names that read well with the module in front (`cbor.encode`), or
# modules that would cost start-up time if the room loaded them.
ENTRANCES = {
    f"{PACKAGE}.protocol.bls",
    f"{PACKAGE}.protocol.cbor",
    f"{PACKAGE}.bulk.server",
    f"{PACKAGE}.candid.bindgen",
    f"{PACKAGE}.candid.runtime",
    f"{PACKAGE}.conformance.blame",
    f"{PACKAGE}.conformance.check",
    f"{PACKAGE}.conformance.collecting",
    f"{PACKAGE}.conformance.expectations",
    f"{PACKAGE}.conformance.gate",
    f"{PACKAGE}.conformance.gate.generic",
    f"{PACKAGE}.conformance.guarantees",
    f"{PACKAGE}.conformance.report",
    f"{PACKAGE}.conformance.results",
    f"{PACKAGE}.conformance.running",
    f"{PACKAGE}.conformance.story",
    f"{PACKAGE}.conformance.target",
    f"{PACKAGE}.uploads.describe",
    f"{PACKAGE}.uploads.reliable",
}


def test_everything_public_is_documented():
    """Every module, and every public class and function of a module, has a docstring."""
    ours = [module for module in modules() if not module.generated]
    assert [module.label for module in ours if not ast.get_docstring(module.tree)] == []
    missing = [
        f"{module.label}:{node.lineno} {node.name}"
        for module in ours
        for node in module.tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert missing == []
