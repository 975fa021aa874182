"""Each room has one door: an `__all__` that tells the truth, and nobody climbs in by a window."""

from __future__ import annotations

import ast
import importlib

import pytest

from .source import PACKAGES, SOURCE, imports, modules, room_of

ROOMS = sorted(
    f"{package}.{path.parent.name}"
    for package in PACKAGES
    for path in (SOURCE / package).glob("*/__init__.py")
)


@pytest.mark.parametrize("room", ROOMS)
def test_door_tells_the_truth(room):
    """`__all__` of a room is without doubles, and every name in it exists (the linter keeps it sorted)."""
    door = importlib.import_module(room)
    names = list(door.__all__)
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(door, name)] == []


def test_other_rooms_are_entered_by_the_door():
    """A room imports from another room's `__init__` only."""
    windows = [
        f"{module.label}:{imported.line} imports {imported.module}"
        for module, imported in imports()
        if (room := room_of(imported.module)) in ROOMS
        and room != module.room
        and len(imported.module.split(".")) > 2
        and imported.module not in ENTRANCES
    ]
    assert windows == []


# Submodules that are doors themselves: names that read well with the module in front (`cbor.encode`), or
# modules that would cost start-up time if the room loaded them.
ENTRANCES = {
    "ic_capsule.bulk.server",
    "ic_capsule.suite.checks",
    "ic_capsule.suite.guarantees",
    "ic_capsule.uploads.resumable",
    "ic_harness.candid.bindgen",
    "ic_harness.candid.runtime",
    "ic_harness.cli.config",
    "ic_harness.cli.entries",
    "ic_harness.cli.errors",
    "ic_harness.cli.examples",
    "ic_harness.cli.files",
    "ic_harness.cli.groups",
    "ic_harness.cli.options",
    "ic_harness.cli.connection",
    "ic_harness.cli.render",
    "ic_harness.cli.session",
    "ic_harness.networks.forks",
    "ic_harness.networks.outcalls",
    "ic_harness.replica.recording",
    "ic_harness.replica.execution.executed_lines",
    "ic_harness.replica.execution.function_names",
    "ic_harness.replica.execution.recorder",
    "ic_harness.replica.execution.tracing",
    "ic_harness.networks.system_canisters",
    "ic_harness.pocket_ic.environment",
    "ic_harness.protocol.bls",
    "ic_harness.protocol.cbor",
    "ic_harness.replica.testing.canister_states",
    "ic_harness.testing.blame",
    "ic_harness.testing.check",
    "ic_harness.testing.call_code",
    "ic_harness.testing.result_collector",
    "ic_harness.testing.assertions",
    "ic_harness.testing.fuzzing",
    "ic_harness.testing.fuzzing.writing",
    "ic_harness.testing.gate",
    "ic_harness.testing.gate.generic",
    "ic_harness.testing.gate.suite",
    "ic_harness.testing.guarantees",
    "ic_harness.testing.plugin.fixture_types",
    "ic_harness.testing.report",
    "ic_harness.testing.sequences",
    "ic_harness.testing.results",
    "ic_harness.testing.runner",
    "ic_harness.testing.call_log",
    "ic_harness.testing.target",
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
