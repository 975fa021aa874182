"""The rooms inside `replica/`: which may import which, no circle among the files, and who touches the machine.

A room is a folder or a file directly below `replica/`; `""` is the package itself. The tables list everything that
is used: an entry that nothing needs any more fails as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .source import SOURCE, Module, modules

REPLICA = "ic_harness.replica"

# From the outside in. Every import counts: at module level, for types only, and inside functions.
MAY_IMPORT = {
    "": {"execution", "http", "replica", "rounds", "server", "state", "store", "testing", "threshold"},
    "server": {"execution", "gateway", "http", "replica", "rounds", "state", "testing"},
    "gateway": {"http", "replica"},
    "replica": {"build_node", "execution", "http", "rounds", "state", "testing", "threshold"},
    "recording": {"rounds", "state", "store", "testing"},
    "build_node": {"certification", "execution", "management", "rounds", "state", "store"},
    "testing": {"bitcoin", "execution", "http", "rounds", "state", "store"},
    "http": {"management", "rounds", "state"},
    "rounds": {"bitcoin", "certification", "execution", "management", "state"},
    "management": {"bitcoin", "execution", "state", "threshold"},
    "execution": {"state"},
    "certification": {"state"},
    "store": {"state"},
    "threshold": {"state"},
    "bitcoin": set[str](),
    "state": set[str](),
}

# Who touches what is outside the process, or differs from run to run; by files below `replica/`.
TOUCHES = {
    "wasmtime": {
        "execution/candid_pointer.py",
        "execution/compiler.py",
        "execution/host.py",
        "execution/host_memory.py",
        "execution/inspection.py",
        "execution/module.py",
        "execution/native.py",
        "execution/outcomes.py",
        "execution/rewriters.py",
        "execution/tracing.py",
        "execution/wasm_store.py",
    },
    "sockets": {"server/server.py"},
    "HTTP server": {"server/connections.py", "server/server.py"},
    "clock": {"state/clock.py"},
    "randomness": {"state/randomness.py"},
    "file system": {
        "execution/memory_mmap.py",  # anonymous files (memfd) behind memories
        "execution/pages.py",
        "store/checkpoint.py",
        "store/examination.py",
        "store/files.py",
        "store/journal.py",
        "store/lock.py",
        "store/salvage.py",
    },
}
IMPORTS = {
    "wasmtime": {"wasmtime"},
    "sockets": {"socket", "socketserver", "ssl", "http.client", "urllib.request"},
    "HTTP server": {"uvicorn", "starlette"},
    "clock": {"time", "datetime"},
    "randomness": {"random", "secrets", "uuid"},
    "file system": {"os", "shutil", "tempfile", "fcntl", "mmap", "io", "ic_harness.portable_files"},
}
# Calls of `pathlib` and of the built-in `open`, which need no import of their own.
FILE_CALLS = {
    "exists", "glob", "is_dir", "is_file", "iterdir", "lstat", "mkdir", "read_bytes", "read_text", "rglob", "rmdir",
    "stat", "symlink_to", "unlink", "write_bytes", "write_text",
}  # fmt: skip


def _replica() -> list[Module]:
    return [module for module in modules() if f"{module.name}.".startswith(f"{REPLICA}.")]


def _room(name: str) -> str:
    return name.removeprefix(REPLICA).lstrip(".").split(".")[0]


def _within(module: Module) -> set[str]:
    """The modules of `replica/` that a module imports in any way."""
    return {found.module for found in module.imports if f"{found.module}.".startswith(f"{REPLICA}.")}


def test_rooms_import_inwards():
    """A room imports from the rooms of its row, and every row is used as a whole."""
    used: dict[str, set[str]] = {}
    for module in _replica():
        here = used.setdefault(_room(module.name), set())
        here |= {_room(name) for name in _within(module)} - {_room(module.name)}
    assert used == MAY_IMPORT


def test_rooms_have_an_order():
    """The table itself has no circle: following it from any room ends in `state`."""
    left = dict(MAY_IMPORT)
    while left:
        innermost = {room for room, below in left.items() if not below & set(left)}
        assert innermost, f"a circle among {sorted(left)}"
        left = {room: below for room, below in left.items() if room not in innermost}


def test_no_circle_of_files():
    """No file imports itself through others, by any kind of import."""
    graph = {module.name: _within(module) - {module.name} for module in _replica()}
    while graph:
        done = {name for name, needed in graph.items() if not needed & set(graph)}
        assert done, f"a circle among {sorted(graph)}"
        graph = {name: needed for name, needed in graph.items() if name not in done}


def test_the_machine_is_touched_in_few_places():
    """The engine, sockets, files, real time and randomness are used by exactly the files of the table."""
    found: dict[str, set[str]] = {what: set() for what in TOUCHES}
    for module in _replica():
        for what in _touched(module):
            found[what].add(module.label.removeprefix("src/ic_harness/replica/"))
    assert found == TOUCHES


def _touched(module: Module) -> Iterator[str]:
    names = {imported.module for imported in module.imports}
    for what, libraries in IMPORTS.items():
        if any(f"{name}.".startswith(f"{library}.") for name in names for library in libraries):
            yield what
    if any(isinstance(node, ast.Call) and _is_file_call(node.func) for node in ast.walk(module.tree)):
        yield "file system"


def _is_file_call(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr in FILE_CALLS
    return isinstance(function, ast.Name) and function.id == "open"


def test_the_map_of_the_specification_names_files():
    """Every file that the README's map of the specification names exists, and each room of `replica/` is on the map."""
    folder = SOURCE / "ic_harness" / "replica"
    text = (folder / "README.md").read_text(encoding="utf-8")
    section = text.partition("## From the interface specification to the file\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    files = [re.findall(r"`([\w./]+\.(?:py|did))`", row.rpartition(" | ")[2]) for row in rows]
    assert [row for row, named in zip(rows, files, strict=True) if not named] == []
    named = {name for row in files for name in row}
    assert sorted(name for name in named if not (folder / name).is_file()) == []
    rooms = {room for room in MAY_IMPORT if (folder / room).is_dir()} - {
        "",
        "recording",
        "server",
        "store",
        "testing",
    }
    assert rooms - {name.split("/")[0] for name in named} == set()
