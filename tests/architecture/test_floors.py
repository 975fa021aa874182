"""Imports go down the floors, never in a circle, and third-party libraries come in by their door only."""

from __future__ import annotations

import ast
from fnmatch import fnmatch

from .source import PACKAGES, Import, Module, imports, modules, room_of

FLOORS = {
    "ic_harness": 1, "ic_harness.bundled": 1, "ic_harness.code_cache": 1, "ic_harness.compiled_modules": 1,
    "ic_harness.entry_points": 1,
    "ic_harness.displays": 1, "ic_harness.errors": 1, "ic_harness.files": 1,
    "ic_harness.lazy_dataclass": 1, "ic_harness.lazy_names": 1,
    "ic_harness.moved": 1,
    "ic_harness.own_modules": 1, "ic_harness.portable_files": 1,
    "ic_harness.principal": 1, "ic_harness.project_file": 1, "ic_harness.suggestions": 1, "ic_harness.text": 1,
    "ic_harness.processors": 1,
    "ic_harness.tracebacks": 1, "ic_harness.units": 1, "ic_harness.urls": 1, "ic_harness.waiting": 1,
    "ic_harness.candid": 2, "ic_harness.protocol": 2,
    "ic_harness.replica": 3, "ic_harness.agent": 3,
    "ic_harness.history": 4, "ic_harness.networks": 4, "ic_harness.ic_py": 4,
    "ic_harness.testing": 5, "ic_harness.pocket_ic": 5,
    "ic_harness.icrc": 6, "ic_harness.cli": 6,
    "ic_capsule": 7, "ic_capsule.assets": 7, "ic_capsule.reference": 7,
    "ic_capsule.backend": 8,
    "ic_capsule.uploads": 9,
    "ic_capsule.bulk": 10, "ic_capsule.suite": 10,
    "ic_capsule.cli": 11, "ic_capsule.plugin": 11,
}  # fmt: skip
"""`ic_harness` never imports `ic_capsule`: all floors of the product are above those of the harness."""
STRANGERS = [
    ("ic_harness.candid", "ic_harness.protocol"),
    ("ic_harness.replica", "ic_harness.agent"),
    ("ic_harness.pocket_ic", "ic_harness.testing"),
    ("ic_harness.icrc", "ic_harness.cli"),
    ("ic_capsule.bulk", "ic_capsule.suite"),
    ("ic_capsule.cli", "ic_capsule.plugin"),
]

DOORS = {
    "wasmtime": [
        "ic_harness/compiled_modules.py",
        "ic_harness/protocol/bls_wasm.py",
        "ic_harness/replica/execution/*",
    ],
    "httpx": ["ic_harness/agent/transport_http.py", "ic_harness/networks/*"],
    "uvicorn": [
        "ic_harness/replica/server/connections.py",
        "ic_harness/replica/server/server.py",
        "ic_capsule/bulk/server/*",
    ],
    "starlette": ["ic_capsule/bulk/server/*"],
    "sse_starlette": ["ic_capsule/bulk/server/*"],
    "cryptography": [
        "ic_harness/networks/forks/sealing.py",
        "ic_harness/protocol/identity/*",
        "ic_harness/replica/threshold/*",
    ],
    "pyblst": ["ic_harness/protocol/bls.py"],
    "PIL": ["ic_capsule/uploads/derivatives.py", "ic_capsule/uploads/samples.py", "ic_capsule/bulk/embed/*"],
    "pydantic": ["ic_capsule/backend/*", "ic_harness/candid/*", "ic_harness/icrc/_generated.py"],
    "yaml": ["ic_harness/networks/icp_yaml.py"],
    "sqlite3": ["ic_capsule/bulk/database.py"],
    "distributed": ["ic_capsule/bulk/engine_dask.py"],
    "click": ["ic_harness/cli/*", "ic_capsule/cli/*"],
    "rich": ["ic_harness/cli/*", "ic_capsule/cli/*"],
    "hypothesis": [
        "ic_harness/testing/fuzzing/search.py",
        "ic_harness/testing/strategies.py",
        "ic_harness/testing/plugin/property_tests.py",
    ],
    "pytest": [
        "ic_harness/testing/*",
        "ic_harness/icrc/tests/*",
        "ic_capsule/plugin/*",
        "ic_capsule/suite/tests/*",
    ],
}


def name(module: Module, imported: Import) -> str:
    """An import as a finding shows it."""
    return f"{module.label}:{imported.line} imports {imported.module}"


def test_every_room_has_a_floor():
    """A new room is placed on a floor before anything is built in it."""
    assert {module.room for module in modules()} <= set(FLOORS)


def test_imports_go_down():
    """A module imports from its own room or from floors below, and never from a room it may not know."""
    upward = [
        name(module, imported)
        for module, imported in imports()
        if imported.module.split(".")[0] in PACKAGES
        and (room := room_of(imported.module)) != module.room
        and not _may_know(module.room, room)
    ]
    assert upward == []


def _may_know(above: str, below: str) -> bool:
    strangers = (above, below) in STRANGERS or (below, above) in STRANGERS
    return FLOORS[below] <= FLOORS[above] and not strangers


def test_third_party_doors():
    """A third-party library is imported only where the plan says, so that it can be replaced in one place."""
    wrong = [
        name(module, imported)
        for module, imported in imports()
        if (doors := DOORS.get(imported.module.split(".")[0])) is not None
        and not any(fnmatch(module.label.removeprefix("src/"), door) for door in doors)
    ]
    assert wrong == []


def test_data_classes_are_compiled_on_first_use():
    """The standard decorator compiles half a dozen functions for each class: it is for generated clients only."""
    allowed = {"ic_harness.lazy_dataclass", "ic_harness.icrc._generated"}
    wrong = [
        module.label
        for module in modules()
        if module.name.startswith("ic_harness.") and module.name not in allowed
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if "dataclass" in {alias.name for alias in node.names}
    ]
    assert wrong == []


def test_imports_inside_functions_are_marked():
    """An import inside a function is there for start-up time only, and says so."""
    hidden = [
        name(module, imported) for module, imported in imports() if imported.lazy and not imported.marked
    ]
    assert hidden == []


def test_no_cycles():
    """No module needs itself, directly or through others; imports for types or inside functions count too."""
    graph = {
        module.name: {
            imported.module for imported in module.imports if imported.module.split(".")[0] in PACKAGES
        }
        - {module.name}
        for module in modules()
    }
    assert _circles(graph) == []


def _circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that all need each other (strongly connected components of more than one)."""
    reachable = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted(other for other in reachable[name] if name in reachable.get(other, ())))
        for name in graph
        if name in reachable[name]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        fresh = graph.get(pending.pop(), set()) - found
        found |= fresh
        pending += fresh
    return found
