"""Reads the line tables of DWARF: which line of which file an instruction comes from.

DWARF 5, section 6.2 "Line Number Information", and versions 2 to 4 as older compilers write them. Addresses are offsets
in the code section (tool conventions of WebAssembly, "DWARF"). The bytes come from a canister: lengths are checked, and
a budget of steps bounds the time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .dwarf_cursor import Cursor, MalformedDwarf, text_at

_MAX_NAMES: Final = 100_000
"""Directories and files of one unit that are read for its names alone."""
_PATH, _DIRECTORY = 1, 2
_STRING, _LINE_STRP, _STRP = 0x08, 0x1F, 0x0E
_FIXED: Final = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}
_UDATA, _BLOCK = 0x0F, 0x09
_EXTENDED, _END_SEQUENCE, _SET_ADDRESS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a source file; 0 where the compiler knows no line. `file` may hold anything: clean it for show."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class _Row:
    """The registers of a line program; `dropped` is whether the linker left the function out."""

    address: int = 0
    file: int = 1
    line: int = 1
    column: int = 0
    dropped: bool = True
    ends: bool = False


@dataclass(slots=True)
class _Header:
    """The head of a unit's line program."""

    end: int
    minimum: int
    base: int
    range: int
    opcodes: int
    lengths: tuple[int, ...]
    first_file: int
    directories: list[str] = field(default_factory=list)
    files: list[tuple[str, int]] = field(default_factory=list)

    def path(self, file: int) -> str:
        """Return the path of a file, relative to the crate or project where the compiler wrote it so."""
        number = file - self.first_file
        if not 0 <= number < len(self.files):
            return ""
        name, directory = self.files[number]
        # Up to version 4 directory 0 is the one in which the compiler ran, which is not in this table.
        index = directory - self.first_file
        if name.startswith("/") or not 0 <= index < len(self.directories):
            return name
        parent = self.directories[index]
        if self.first_file == 0 and directory == 0:
            return name  # version 5 has it in the table
        return f"{parent.rstrip('/')}/{name}" if parent else name


def file_paths(sections: Mapping[str, bytes], unit: int) -> Callable[[int], str]:
    """Return the path of each file number of the unit at an offset of `.debug_line`. Raises `MalformedDwarf`."""
    search = _Search(sections, [])
    search.at = unit
    search.steps = _MAX_NAMES
    try:
        return search.header().path
    except (IndexError, OverflowError) as error:
        raise MalformedDwarf(f"{type(error).__name__} in .debug_line") from None


def find_lines(sections: Mapping[str, bytes], addresses: Iterable[int]) -> dict[int, SourceLine]:
    """Return the lines of those addresses that a module's `.debug_line` knows. Raises `MalformedDwarf`.

    `sections` are custom sections by name.
    """
    search = _Search(sections, sorted(set(addresses)))
    try:
        search.run()
    except (IndexError, OverflowError, UnicodeError) as error:
        raise MalformedDwarf(f"{type(error).__name__} in .debug_line") from None
    return search.found


class _Search(Cursor):
    """One pass over all line programs."""

    def __init__(self, sections: Mapping[str, bytes], wanted: list[int]) -> None:
        super().__init__(sections.get(".debug_line", b""))
        self._strings = {
            _STRP: sections.get(".debug_str", b""),
            _LINE_STRP: sections.get(".debug_line_str", b""),
        }
        self._wanted = wanted
        self._wide = False
        self.found: dict[int, SourceLine] = {}

    def run(self) -> None:
        """Read unit after unit until all addresses are found."""
        while self.at < len(self.data) and len(self.found) < len(self._wanted):
            header = self.header()
            while self.at < header.end:
                self._sequence(header)
            self.at = header.end

    # --- the head of a unit

    def header(self) -> _Header:
        """Read the head of the unit at the position, and lead to its line program."""
        length = self.number(4)
        self._wide = length == 0xFFFF_FFFF
        if self._wide:
            length = self.number(8)
        end = self.at + length
        version = self.number(2)
        if end > len(self.data) or not 2 <= version <= 5:
            raise MalformedDwarf(f"a unit of version {version} with {length} bytes")
        if version == 5:
            self.number(2)  # sizes of addresses and segment selectors
        start = self.number(8 if self._wide else 4)
        start += self.at
        minimum = self.number(1)
        if version >= 4:
            self.number(1)  # operations in one instruction: of no use in Wasm
        self.number(1)  # whether a line begins a statement
        base = self.number(1)
        header = _Header(
            end=end,
            minimum=minimum,
            base=base - 256 if base > 127 else base,
            range=self.number(1) or 1,
            opcodes=self.number(1),
            lengths=(),
            first_file=0 if version == 5 else 1,
        )
        header.lengths = tuple(self.number(1) for _ in range(header.opcodes - 1))
        if version == 5:
            header.directories = [name for name, _ in self._entries()]
            header.files = self._entries()
        else:
            self._older_tables(header)
        if start > end:
            raise MalformedDwarf("a head is longer than its unit")
        self.at = start
        return header

    def _older_tables(self, header: _Header) -> None:
        while name := self.text():
            self.spend()
            header.directories.append(name)
        while name := self.text():
            self.spend()
            header.files.append((name, self.leb()))
            self.leb(), self.leb()  # time and size

    def _entries(self) -> list[tuple[str, int]]:
        kinds = [(self.leb(), self.leb()) for _ in range(self.number(1))]
        entries = []
        for _ in range(self.leb()):
            self.spend()
            values = {kind: self._value(form) for kind, form in kinds}
            name, directory = values.get(_PATH, ""), values.get(_DIRECTORY, 0)
            entries.append((
                name if isinstance(name, str) else "",
                directory if isinstance(directory, int) else 0,
            ))  # fmt: skip
        return entries

    def _value(self, form: int) -> str | int:
        if form == _STRING:
            return self.text()
        if form in self._strings:
            return text_at(self._strings[form], self.number(8 if self._wide else 4))
        if form in _FIXED:
            return self.number(_FIXED[form])
        if form == _UDATA:
            return self.leb()
        if form == _BLOCK:
            self.number(self.leb())
            return 0
        raise MalformedDwarf(f"a table has the form {form:#x}")

    # --- line programs

    def _sequence(self, header: _Header) -> None:
        """Run a line program up to the end of a sequence, which is the code of one function."""
        row = _Row()
        previous: _Row | None = None
        while self.at < header.end and not row.ends:
            self.spend()
            opcode = self.number(1)
            if opcode >= header.opcodes:
                opcode -= header.opcodes
                row.address += opcode // header.range * header.minimum
                row.line += header.base + opcode % header.range
                emits = True
            elif opcode == _EXTENDED:
                emits = self._extended(row)
            else:
                emits = self._standard(header, row, opcode)
            if emits:
                if previous is not None and not row.dropped and previous.address < row.address:
                    self._note(header, previous, row.address)
                previous = replace(row)

    def _extended(self, row: _Row) -> bool:
        """Run an extended operation; returns whether it emits a row."""
        size = self.leb()
        following = self.at + size
        operation = self.number(1) if size else 0
        if operation == _END_SEQUENCE:
            row.ends = True
        elif operation == _SET_ADDRESS:
            row.address = self.number(min(size - 1, 8))
            row.dropped = row.address == 0
        self.at = following
        return row.ends

    def _standard(self, header: _Header, row: _Row, opcode: int) -> bool:
        """Run a standard operation; returns whether it emits a row."""
        match opcode:
            case 1:  # copy
                return True
            case 2:  # advance the address
                row.address += self.leb() * header.minimum
            case 3:  # advance the line
                row.line += self.signed()
            case 4:
                row.file = self.leb()
            case 5:
                row.column = self.leb()
            case 8:  # advance the address as special operation 255 does
                row.address += (255 - header.opcodes) // header.range * header.minimum
            case 9:
                row.address += self.number(2)
            case _:  # marks of no interest here, and operations of later versions
                for _ in range(header.lengths[opcode - 1]):
                    self.leb()
        return False

    def _note(self, header: _Header, row: _Row, end: int) -> None:
        """Keep the row for the wanted addresses from its own up to `end`."""
        index = bisect_left(self._wanted, row.address)
        while index < len(self._wanted) and self._wanted[index] < end:
            line = SourceLine(header.path(row.file), max(0, row.line), row.column)
            self.found.setdefault(self._wanted[index], line)
            index += 1


class _Table(_Search):
    """One pass over all line programs that keeps every row."""

    def __init__(self, sections: Mapping[str, bytes], steps: int) -> None:
        super().__init__(sections, [-1])  # an address that no row has: the pass goes to the end
        self.steps = steps
        self.rows: list[tuple[int, int, SourceLine]] = []

    def _note(self, header: _Header, row: _Row, end: int) -> None:
        line = SourceLine(header.path(row.file), max(0, row.line), row.column)
        self.rows.append((row.address, end, line))


def all_lines(sections: Mapping[str, bytes], steps: int) -> list[tuple[int, int, SourceLine]]:
    """Return all rows of a module's `.debug_line`: first address, address behind the last, and the line.

    `steps` is how many operations may be read. Raises `MalformedDwarf`.
    """
    table = _Table(sections, steps)
    try:
        table.run()
    except (IndexError, OverflowError, UnicodeError) as error:
        raise MalformedDwarf(f"{type(error).__name__} in .debug_line") from None
    return table.rows
