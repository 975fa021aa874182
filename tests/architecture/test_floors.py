"""Imports go down the floors, never in a circle, and third-party libraries come in by their door only."""

from __future__ import annotations

from fnmatch import fnmatch

from .source import PACKAGE, Import, Module, imports, modules

FLOORS = {
    "principal": 1, "errors": 1, "units": 1, "text": 1, "urls": 1, "waiting": 1, "": 1,
    "candid": 2, "protocol": 2,
    "replica": 3, "agent": 3,
    "networks": 4, "backend": 4, "ic_py": 4,
    "uploads": 5,
    "bulk": 5.5,
    "conformance": 6, "pytest_plugin": 6, "cli": 6,
    "icrc": 7,
}  # fmt: skip
STRANGERS = [("candid", "protocol"), ("replica", "agent"), ("pytest_plugin", "cli")]

DOORS = {
    "wasmtime": ["replica/execution/*"],
    "httpx": ["agent/transport_http.py", "networks/*"],
    "uvicorn": ["replica/server/server.py", "replica/server/connections.py", "bulk/server/*"],
    "starlette": ["bulk/server/*"],
    "sse_starlette": ["bulk/server/*"],
    "cryptography": ["protocol/identity/*", "replica/threshold/*"],
    "pyblst": ["protocol/bls.py"],
    "PIL": ["uploads/derivatives.py", "uploads/samples.py", "bulk/embed/*"],
    "pydantic": ["backend/*", "candid/*", "icrc/_generated.py"],
    "yaml": ["networks/icp_yaml.py"],
    "sqlite3": ["bulk/database.py"],
    "distributed": ["bulk/engine_dask.py"],
    "click": ["cli/*"],
    "rich": ["cli/*"],
    "pytest": ["pytest_plugin/*", "conformance/*", "icrc/tests/*"],
}


def name(module: Module, imported: Import) -> str:
    """An import as a finding shows it."""
    return f"{module.label}:{imported.line} imports {imported.module}"


def test_every_room_has_a_floor():
    """A new room is placed on a floor before anything is built in it."""
    assert {module.room for module in modules()} - {"_data"} <= set(FLOORS)


def test_imports_go_down():
    """A module imports from its own room or from floors below, and never from a room it may not know."""
    upward = [
        name(module, imported)
        for module, imported in imports()
        if imported.module.split(".")[0] == PACKAGE
        and (room := ".".join(imported.module.split(".")[1:2])) != module.room
        and room
        and not _may_know(module.room, room)
    ]
    assert upward == []


def _may_know(above: str, below: str) -> bool:
    strangers = (above, below) in STRANGERS or (below, above) in STRANGERS
    return FLOORS[below] <= FLOORS[above] and not strangers


def test_the_gate_knows_no_product():
    """What judges every canister imports nothing of the capsule backend: its client, uploads, checks and suite."""
    inside = "ic_harness.conformance"
    product = ("ic_harness.backend", "ic_harness.uploads")
    product += tuple(f"{inside}.{name}" for name in ("capsule", "checks", "stage", "material", "soak"))
    found = [
        name(module, imported)
        for module, imported in imports()
        if f"{module.name}.".startswith(tuple(f"{inside}.{generic}." for generic in GENERIC))
        and f"{imported.module}.".startswith(tuple(f"{it}." for it in product))
    ]
    assert found == []


GENERIC = ("gate", "report", "check", "target", "running", "results", "expectations", "guarantees", "blame")
"""The modules of the room `conformance` that know no product."""


def test_third_party_doors():
    """A third-party library is imported only where the plan says, so that it can be replaced in one place."""
    wrong = [
        name(module, imported)
        for module, imported in imports()
        if (doors := DOORS.get(imported.module.split(".")[0])) is not None
        and not any(fnmatch(module.label.removeprefix(f"src/{PACKAGE}/"), door) for door in doors)
    ]
    assert wrong == []


def test_imports_inside_functions_are_marked():
    """An import inside a function is there for start-up time only, and says so."""
    hidden = [
        name(module, imported) for module, imported in imports() if imported.lazy and not imported.marked
    ]
    assert hidden == []


def test_no_cycles():
    """No module needs, directly or through others, that it be loaded before itself."""
    graph = {
        module.name: {
            imported.module
            for imported in module.imports
            if imported.module.startswith(PACKAGE) and not imported.lazy and not imported.typing_only
        }
        - {module.name}
        for module in modules()
    }
    assert _cycle(graph) is None


def _cycle(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str] | None:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return None
        found = next(
            (found for other in sorted(graph.get(name, ())) if (found := visit(other, [*trail, name]))), None
        )
        done.add(name)
        return found

    return next((found for name in sorted(graph) if (found := visit(name, []))), None)
