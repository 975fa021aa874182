"""Records what canisters of this process execute, once a recorder is active: coverage and profiles by module.

A `Recorder` is made active before networks are opened (`record`). Each module has one `ModuleRecord`, by its hash, that
all its instances share: coverage is one memory that all of them write to. The tree of calls is a memory of each
instance, which is added to the module's `CallTree` when the instance is closed or the record is read.
"""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .metering import EXHAUSTED
from .tracing import COVERAGE, PROFILE, Places

_PAGE: Final = 1 << 16
_TREE: Final = 128 * _PAGE
_ROOT: Final = 64
"""Address of the first node, that of the host."""
_HEADER: Final = struct.Struct("<IIqIIq")
"""Current node, first free node, counter, open calls without a node, end of the memory, lost calls."""
_NODE: Final = struct.Struct("<IIIIqq")
"""Function, caller, first callee, next of the same caller, own instructions, calls."""
SYSTEM_API: Final = 0xFFFF_FFFF
"""The function of a node that has the calls of the system API."""
HOST: Final = 0xFFFF_FFFE
"""The function of the root node."""


class RecordMemory:
    """A memory of fixed length that the host reads; see `host_memory.HostMemory`."""

    def __init__(self, size: int) -> None:
        self.size = self.hard_limit = -(-size // _PAGE) * _PAGE or _PAGE
        self.soft_limit = 0
        self.refused = 0
        self._buffer = (ctypes.c_char * (self.size + _PAGE))()
        self.base = -(-ctypes.addressof(self._buffer) // _PAGE) * _PAGE

    @property
    def capacity(self) -> int:
        """Bytes that it can grow to: as many as it has."""
        return self.size

    def grow(self, size: int) -> bool:
        """It does not grow."""
        return size <= self.size

    def read(self, address: int, size: int) -> bytes:
        """Copy bytes out of it."""
        return ctypes.string_at(self.base + address, size)


@dataclass(slots=True)
class CallTree:
    """Who called whom: node 0 is the host, the caller of a node comes before it."""

    functions: list[int] = field(default_factory=lambda: [HOST])
    callers: list[int] = field(default_factory=lambda: [0])
    instructions: list[int] = field(default_factory=lambda: [0])
    calls: list[int] = field(default_factory=lambda: [0])
    lost: int = 0
    """Calls that were not recorded because the memory of the tree was full; their caller has the instructions."""
    _index: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, caller: int, function: int, instructions: int, calls: int) -> int:
        """Add to the node of `function` below `caller`; returns its number."""
        node = self._index.get((caller, function))
        if node is None:
            node = self._index[caller, function] = len(self.functions)
            self.functions.append(function)
            self.callers.append(caller)
            self.instructions.append(0)
            self.calls.append(0)
        self.instructions[node] += instructions
        self.calls[node] += calls
        return node

    def merge(self, other: CallTree) -> None:
        """Add another tree."""
        nodes = [0]
        for number in range(1, len(other.functions)):
            caller = nodes[other.callers[number]]
            nodes.append(
                self.add(caller, other.functions[number], other.instructions[number], other.calls[number])
            )
        self.instructions[0] += other.instructions[0]
        self.lost += other.lost


class ModuleRecord:
    """What the instances of one module executed. `wasm` is what was uploaded, perhaps gzipped."""

    def __init__(self, wasm_hash: bytes, wasm: bytes, encoded_places: bytes, what: int) -> None:
        self.wasm_hash = wasm_hash
        self.wasm = wasm
        self.encoded_places = encoded_places
        self.places = places = Places.decode(encoded_places)
        self._coverage = RecordMemory(places.size) if what & COVERAGE else None
        self._profiles = bool(what & PROFILE)
        self._tree = CallTree()
        self._live: dict[int, InstanceRecord] = {}
        self._lock = threading.Lock()

    def open(self) -> InstanceRecord:
        """Return the record of a new instance."""
        record = InstanceRecord(self, self._coverage, RecordMemory(_TREE) if self._profiles else None)
        with self._lock:
            self._live[id(record)] = record
        return record

    def close(self, record: InstanceRecord) -> None:
        """Keep what an instance recorded."""
        with self._lock:
            if self._live.pop(id(record), None) is not None:
                record.drain(self._tree)

    def covered(self) -> bytes:
        """Return a byte for each place: 1 when it was executed. Empty without coverage."""
        return self._coverage.read(0, self.places.size) if self._coverage is not None else b""

    def tree(self) -> CallTree:
        """Return the calls so far, those of instances that are open included. No message may run meanwhile."""
        found = CallTree()
        with self._lock:
            found.merge(self._tree)
            for record in self._live.values():
                record.drain(found, empty=False)
        return found


class InstanceRecord:
    """The memories of one instance, in the order in which its module has them behind its own."""

    def __init__(self, owner: ModuleRecord, coverage: RecordMemory | None, tree: RecordMemory | None) -> None:
        self._owner = owner
        self._tree = tree
        self.memories = tuple(memory for memory in (coverage, tree) if memory is not None)
        self._system: dict[int, int] = {}
        self._reset()

    def _reset(self) -> None:
        if self._tree is not None:
            _HEADER.pack_into(
                self._view(_HEADER.size), 0, _ROOT, _ROOT + _NODE.size, 0, 0, self._tree.size, 0
            )

    def _view(self, size: int, address: int = 0) -> ctypes.Array[ctypes.c_char]:
        assert self._tree is not None, "bug: an instance without a profile"
        return (ctypes.c_char * size).from_address(self._tree.base + address)

    def begin(self, instructions: int) -> None:
        """A message begins that may execute so many instructions."""
        if self._tree is not None:
            header = self._view(_HEADER.size)
            _, free, _, _, end, lost = _HEADER.unpack_from(header)
            _HEADER.pack_into(header, 0, _ROOT, free, instructions, 0, end, lost)

    def end(self, left: int, system: int) -> None:
        """A message ended, perhaps by a trap inside of calls, with so many instructions left.

        `system` instructions were counted for calls of the system API.
        """
        if self._tree is None:
            return
        current, _, last, _, _, _ = _HEADER.unpack_from(self._view(_HEADER.size))
        rest = last - (0 if left == EXHAUSTED else left)
        node = ctypes.c_int64.from_address(self._tree.base + current + 16)
        node.value += rest
        # The node that was entered last is the first one of its caller: that of this message.
        entry = ctypes.c_uint32.from_address(self._tree.base + _ROOT + 8).value
        if system:
            self._system[entry] = self._system.get(entry, 0) + system

    def drain(self, tree: CallTree, *, empty: bool = True) -> None:
        """Add what was recorded to `tree`, and forget it unless `empty` is False."""
        if self._tree is None:
            return
        _, free, _, _, _, lost = _HEADER.unpack_from(self._view(_HEADER.size))
        tree.lost += lost
        nodes = [0]
        content = self._tree.read(_ROOT, free - _ROOT)
        for number, (function, caller, _, _, own, calls) in enumerate(_NODE.iter_unpack(content)):
            if number == 0:
                tree.instructions[0] += own
                continue
            nodes.append(tree.add(nodes[(caller - _ROOT) // _NODE.size], function, own, calls))
        for entry, system in self._system.items():
            if entry:
                tree.add(nodes[(entry - _ROOT) // _NODE.size], SYSTEM_API, system, 0)
            else:
                tree.instructions[0] += system
        if empty:
            ctypes.memset(self._tree.base, 0, free)
            self._system.clear()
            self._reset()

    def close(self) -> None:
        """Give what was recorded to the module's record."""
        self._owner.close(self)


class Recorder:
    """Records the modules that are compiled while it is active."""

    def __init__(self, *, coverage: bool = False, profile: bool = False) -> None:
        self.what = COVERAGE * coverage + PROFILE * profile
        self.modules: dict[bytes, ModuleRecord] = {}
        """By SHA-256 of what was uploaded."""
        self.failures: dict[bytes, str] = {}
        """Why a module is not recorded, by SHA-256."""
        self.titles: dict[bytes, str] = {}
        """What modules are called where they are deployed, by SHA-256."""
        self._lock = threading.Lock()

    def record(self, wasm_hash: bytes, wasm: bytes, places: bytes) -> ModuleRecord:
        """Return the record of a module by its hash. Raises `TracingError` for places that cannot be read."""
        with self._lock:
            known = self.modules.get(wasm_hash)
            if known is None:
                known = ModuleRecord(wasm_hash, wasm, places, self.what)
                self.modules[wasm_hash] = known
        return known

    def fail(self, wasm_hash: bytes, reason: str) -> None:
        """Remember why a module is not recorded."""
        with self._lock:
            self.failures[wasm_hash] = reason


_active: Final[list[Recorder]] = []


def active() -> Recorder | None:
    """Return the recorder of networks that are opened now; None when nothing is recorded."""
    return _active[-1] if _active else None


@contextmanager
def record(recorder: Recorder) -> Iterator[Recorder]:
    """Within the block, networks that are opened record what their canisters execute."""
    _active.append(recorder)
    try:
        yield recorder
    finally:
        with suppress(ValueError):
            _active.remove(recorder)
