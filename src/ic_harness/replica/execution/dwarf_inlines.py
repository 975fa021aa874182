"""Reads from DWARF where functions were inlined: a line in `unwrap` is of less use than that of its caller.

DWARF 4, sections 3.3.8 "Inlined Subroutines", 7.5 "Format of Debugging Information" and 2.17 "Code Addresses and
Ranges"; versions 2 and 3 are a part of it. Units of version 5 are left out: their traps show the innermost line only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .dwarf_cursor import Cursor, MalformedDwarf
from .dwarf_lines import SourceLine, file_paths

_UNIT, _INLINED = 0x11, 0x1D
_STMT_LIST, _LOW_PC, _HIGH_PC, _RANGES, _CALL_FILE, _CALL_LINE = 0x10, 0x11, 0x12, 0x55, 0x58, 0x59
_ADDR, _STRING, _SDATA, _UDATA, _REF_UDATA, _BLOCK, _EXPRLOC = 0x01, 0x08, 0x0D, 0x0F, 0x15, 0x09, 0x18
_SIZES: Final = {
    _ADDR: 4, 0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x0E: 4, 0x10: 4, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8,
    0x17: 4, 0x19: 0, 0x20: 8,
}  # fmt: skip
"""Bytes of the forms that have a fixed size, in a module with addresses of 32 bits."""
_LENGTHS: Final = {0x0A: 1, 0x03: 2, 0x04: 4}
"""Bytes of the length before a block."""
_MAX_RANGES: Final = 10_000
_MAX_TABLES: Final = 32
_MAX_DEPTH: Final = 200


@dataclass(frozen=True, slots=True)
class _Shape:
    """What entries of one abbreviation have: `size` in bytes where it is the same for all and nothing is read."""

    tag: int
    children: bool
    attributes: tuple[tuple[int, int], ...]
    size: int | None


def find_calls(sections: Mapping[str, bytes], addresses: Iterable[int]) -> dict[int, list[SourceLine]]:
    """Return where the functions that were inlined at those addresses are called, innermost first.

    `sections` are custom sections by name. Raises `MalformedDwarf`.
    """
    reader = _Reader(sections, sorted(set(addresses)))
    try:
        reader.run()
    except (IndexError, OverflowError) as error:
        raise MalformedDwarf(f"{type(error).__name__} in .debug_info") from None
    return {address: calls[::-1] for address, calls in reader.found.items()}


class _Reader(Cursor):
    """One pass over all units."""

    def __init__(self, sections: Mapping[str, bytes], wanted: list[int]) -> None:
        super().__init__(sections.get(".debug_info", b""))
        self._sections = sections
        self._wanted = wanted
        self._paths: dict[int, Callable[[int], str]] = {}
        self.found: dict[int, list[SourceLine]] = {}

    def run(self) -> None:
        """Read unit after unit."""
        while self.at < len(self.data):
            length = self.number(4)
            end = self.at + length
            if length >= 0xFFFF_FFF0 or end > len(self.data):
                raise MalformedDwarf("a unit is longer than its section")
            if 2 <= self.number(2) <= 4:
                shapes = self._shapes(self.number(4))
                if self.number(1) == _SIZES[_ADDR]:
                    self._unit(end, shapes)
            self.at = end

    def _shapes(self, offset: int) -> dict[int, _Shape]:
        """Read a table of abbreviations."""
        table = Cursor(self._sections.get(".debug_abbrev", b""))
        table.at = offset
        shapes: dict[int, _Shape] = {}
        while code := table.leb():
            tag, children = table.leb(), table.number(1)
            attributes = []
            while (pair := (table.leb(), table.leb())) != (0, 0):
                self.spend()
                attributes.append(pair)
            shapes[code] = _Shape(tag, bool(children), tuple(attributes), _fixed_size(tag, attributes))
            self.spend()
        return shapes

    def _unit(self, end: int, shapes: Mapping[int, _Shape]) -> None:
        """Read the entries of a unit, outer functions before those that are inlined in them."""
        unit: dict[int, int] = {}
        depth = 0
        while self.at < end:
            self.spend()
            code = self.leb()
            if code == 0:
                depth -= 1
                if depth <= 0:
                    return
                continue
            shape = shapes.get(code)
            if shape is None:
                raise MalformedDwarf(f"there is no abbreviation {code}")
            depth += shape.children
            if depth > _MAX_DEPTH:
                raise MalformedDwarf("entries are nested too deeply")
            if shape.size is not None:
                self.at += shape.size
                continue
            values = self._attributes(shape)
            if shape.tag == _UNIT:
                unit = values
                if not self._holds(unit, unit):
                    return
            elif shape.tag == _INLINED:
                self._inlined(values, unit)

    def _attributes(self, shape: _Shape) -> dict[int, int]:
        values: dict[int, int] = {}
        for name, form in shape.attributes:
            self.spend()
            value = self._value(form)
            values[name] = value
            if name == _HIGH_PC and form != _ADDR:
                values[name] = values.get(_LOW_PC, 0) + value  # a length
        return values

    def _value(self, form: int) -> int:
        if form in _SIZES:
            return self.number(_SIZES[form]) if form != 0x19 else 1
        if form in (_UDATA, _REF_UDATA):
            return self.leb()
        if form == _SDATA:
            return self.signed()
        if form == _STRING:
            self.text()
        elif form in (_BLOCK, _EXPRLOC):
            self._skip(self.leb())
        elif form in _LENGTHS:
            self._skip(self.number(_LENGTHS[form]))
        else:
            raise MalformedDwarf(f"an entry has the form {form:#x}")
        return 0

    def _skip(self, size: int) -> None:
        self.at += size

    def _holds(self, values: Mapping[int, int], unit: Mapping[int, int]) -> list[int]:
        """Return the wanted addresses that an entry is responsible for."""
        if _RANGES in values:
            ranges = self._ranges(values[_RANGES], unit.get(_LOW_PC, 0))
        else:
            ranges = [(values.get(_LOW_PC, 0), values.get(_HIGH_PC, 0))]
        held: set[int] = set()
        for low, high in ranges:
            if low:  # else the linker dropped the function
                held.update(self._wanted[bisect_left(self._wanted, low) : bisect_left(self._wanted, high)])
        return sorted(held)

    def _ranges(self, offset: int, base: int) -> list[tuple[int, int]]:
        table = Cursor(self._sections.get(".debug_ranges", b""))
        table.at = offset
        ranges = []
        while (pair := (table.number(4), table.number(4))) != (0, 0):
            self.spend()
            low, high = pair
            if low == 0xFFFF_FFFF:
                base = high
            else:
                ranges.append((base + low, base + high))
            if len(ranges) > _MAX_RANGES:
                raise MalformedDwarf("an entry has too many ranges")
        return ranges

    def _inlined(self, values: Mapping[int, int], unit: Mapping[int, int]) -> None:
        held = self._holds(values, unit)
        if not held or _STMT_LIST not in unit:
            return
        path = self._paths_of(unit[_STMT_LIST])(values.get(_CALL_FILE, 0))
        line = SourceLine(path, max(0, values.get(_CALL_LINE, 0)), 0)
        for address in held:
            calls = self.found.setdefault(address, [])
            if len(calls) < _MAX_DEPTH:
                calls.append(line)

    def _paths_of(self, table: int) -> Callable[[int], str]:
        """Return the paths of a line table's files."""
        if table not in self._paths:
            if len(self._paths) >= _MAX_TABLES:
                raise MalformedDwarf("too many line tables")
            self._paths[table] = file_paths(self._sections, table)
        return self._paths[table]


def _fixed_size(tag: int, attributes: Iterable[tuple[int, int]]) -> int | None:
    """Return the size in bytes of entries whose values are not needed; None for others, and where sizes differ."""
    if tag in (_UNIT, _INLINED):
        return None
    sizes = [_SIZES.get(form) for _, form in attributes]
    return None if None in sizes else sum(size for size in sizes if size is not None)
