"""Rewrites a canister's module so that the replica can reach what a module otherwise keeps to itself.

Added are exports under reserved names: every mutable global (a trap must roll them back), the memory, the
function table (callbacks are table indices), the start function (run by us, once, not at each instantiation)
and one defined function through which the instance can be found. A module without memory or table gets an empty
one; a table's maximum is cut to the network's limit. Custom sections other than `name` (backtraces) are left
out. No function body changes, so function indices stay as they were.
"""

from __future__ import annotations

from ic_harness.lazy_dataclass import dataclass

from .validation import MAX_TABLE_ELEMENTS
from .wasm_binary import MAGIC, Kind, Section, SectionId, Table, WasmBinary
from .wasm_reader import FUNCREF, Limits

PREFIX = "ic-harness "
MEMORY = PREFIX + "memory"
TABLE = PREFIX + "table"
START = PREFIX + "start"
ANCHOR = PREFIX + "anchor"

_ORDER = [
    SectionId.TYPE, SectionId.IMPORT, SectionId.FUNCTION, SectionId.TABLE, SectionId.MEMORY, SectionId.GLOBAL,
    SectionId.EXPORT, SectionId.ELEMENT, SectionId.DATA_COUNT, SectionId.CODE, SectionId.DATA,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instrumented:
    """The rewritten module, and the reserved export name and value type of each mutable global."""

    wasm: bytes
    globals: tuple[tuple[str, int], ...]


def instrument(binary: WasmBinary) -> Instrumented:
    """Rewrite a module that passed validation."""
    mutable = [(index, item.kind) for index, item in enumerate(binary.globals) if item.mutable]
    names = tuple((f"{PREFIX}global {index}", kind) for index, kind in mutable)
    contents = {SectionId(section.id): section.content for section in binary.sections if section.id}
    if not binary.memories:
        contents[SectionId.MEMORY] = b"\x01\x00\x00"
    contents[SectionId.TABLE] = _tables(binary.tables or [Table(FUNCREF, Limits(0, 0, is_64=False))])
    contents[SectionId.EXPORT] = _exports(binary, [index for index, _ in mutable])
    parts = [MAGIC]
    parts += [_section(number, contents[number]) for number in _ORDER if number in contents]
    parts += [_custom(section) for section in binary.sections if section.name == "name"]
    return Instrumented(b"".join(parts), names)


def _tables(tables: list[Table]) -> bytes:
    """The tables with a maximum that the network's limit allows, so that no growth takes more memory."""
    entries = [bytes([table.kind]) + _limits(table.limits) for table in tables]
    return leb128(len(entries)) + b"".join(entries)


def _limits(limits: Limits) -> bytes:
    maximum = MAX_TABLE_ELEMENTS if limits.maximum is None else min(limits.maximum, MAX_TABLE_ELEMENTS)
    # A maximum below the minimum is for the engine to refuse.
    return bytes([1 | limits.shared << 1 | limits.is_64 << 2]) + leb128(limits.minimum) + leb128(maximum)


def _exports(binary: WasmBinary, mutable_globals: list[int]) -> bytes:
    entries = [(item.name, item.kind, item.index) for item in binary.exports]
    entries += [(MEMORY, Kind.MEMORY, 0), (TABLE, Kind.TABLE, 0)]
    entries += [(f"{PREFIX}global {index}", Kind.GLOBAL, index) for index in mutable_globals]
    if binary.start is not None:
        entries.append((START, Kind.FUNCTION, binary.start))
    if binary.functions:
        entries.append((ANCHOR, Kind.FUNCTION, len(binary.imported_functions)))
    encoded = [_text(name) + bytes([kind]) + leb128(index) for name, kind, index in entries]
    return leb128(len(encoded)) + b"".join(encoded)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb128(len(content)) + content


def _custom(section: Section) -> bytes:
    return _section(SectionId.CUSTOM, _text(section.name) + section.content)


def _text(value: str) -> bytes:
    raw = value.encode()
    return leb128(len(raw)) + raw


def leb128(value: int) -> bytes:
    """Encode an unsigned number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
