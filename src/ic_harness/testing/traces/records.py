"""What was recorded of each module, as plain values that pytest-xdist can send, and merged over processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution.function_names import FunctionNames, read_function_names
from ic_harness.replica.execution.recorder import CallTree, Recorder
from ic_harness.replica.execution.tracing import Places
from ic_harness.text import one_line


@dataclass(slots=True)
class ModuleTrace:
    """What the instances of one module executed, in all processes. `covered` has a byte for each place."""

    wasm_hash: bytes
    wasm: bytes
    places: Places
    names: FunctionNames
    covered: bytes
    tree: CallTree
    given_name: str = ""
    """What the module is called where it was deployed."""

    @property
    def name(self) -> str:
        """The name by which it was deployed, else its own."""
        return self.given_name or self.names.module.removesuffix(".wasm")

    @property
    def title(self) -> str:
        """The module's name, or `module`, and the start of its hash."""
        name = one_line(self.name, 60).strip() or "module"
        return f"{name} ({self.wasm_hash.hex()[:8]})"

    @property
    def file_name(self) -> str:
        """A name for files about the module: letters, digits and hyphens."""
        kept = "".join(it if it.isascii() and it.isalnum() else "-" for it in self.name[:40])
        stem = kept.strip("-") or "module"
        return f"{stem}-{self.wasm_hash.hex()[:8]}"


def to_plain(recorder: Recorder) -> dict[str, list[Any]]:
    """Return what a process recorded as plain values, by the module's hash in hexadecimal."""
    found: dict[str, list[Any]] = {}
    for wasm_hash, module in list(recorder.modules.items()):
        tree = module.tree()
        calls = [tree.functions, tree.callers, tree.instructions, tree.calls, tree.lost]
        title = recorder.titles.get(wasm_hash, "")
        found[wasm_hash.hex()] = [module.wasm, module.encoded_places, module.covered(), calls, title]
    return found


def merge(parts: Iterable[Mapping[str, list[Any]]]) -> list[ModuleTrace]:
    """Join what processes recorded, module by module, in the order of their hashes."""
    found: dict[str, ModuleTrace] = {}
    for part in parts:
        for key, (wasm, places, covered, calls, title) in part.items():
            known = found.get(key)
            if known is None:
                known = found[key] = ModuleTrace(
                    bytes.fromhex(key),
                    wasm,
                    Places.decode(places),
                    read_function_names(wasm),
                    bytes(len(covered)),
                    CallTree(),
                )
            known.given_name = known.given_name or title
            known.covered = _either(known.covered, covered)
            known.tree.merge(_tree(calls))
    return [found[key] for key in sorted(found)]


def _either(first: bytes, other: bytes) -> bytes:
    joined = int.from_bytes(first, "little") | int.from_bytes(other, "little")
    return joined.to_bytes(max(len(first), len(other)), "little")


def _tree(calls: list[Any]) -> CallTree:
    functions, callers, instructions, counts, lost = calls
    return CallTree(list(functions), list(callers), list(instructions), list(counts), lost)
