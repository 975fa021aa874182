"""Reads the sections of a Wasm module (WebAssembly specification, "Binary Format", release 2 and memory64).

Only what execution must know before the engine sees the module: imports, exports, memories, tables, globals,
where function bodies lie. Positions are byte offsets into the module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from enum import IntEnum
from typing import NamedTuple

from ic_harness.lazy_dataclass import dataclass

from .wasm_reader import MAX_VALUES, VALUE_NAMES, Limits, Reader, WasmDecodeError

MAGIC = b"\0asm\x01\0\0\0"


class SectionId(IntEnum):
    """The section numbers of the binary format."""

    CUSTOM = 0
    TYPE = 1
    IMPORT = 2
    FUNCTION = 3
    TABLE = 4
    MEMORY = 5
    GLOBAL = 6
    EXPORT = 7
    START = 8
    ELEMENT = 9
    CODE = 10
    DATA = 11
    DATA_COUNT = 12


class Kind(IntEnum):
    """What an import or export names."""

    FUNCTION = 0
    TABLE = 1
    MEMORY = 2
    GLOBAL = 3
    TAG = 4


_KINDS = tuple(Kind)


class Section(NamedTuple):
    """One section: `content` without its number and length; `name` of a custom section, else ""."""

    id: int
    content: bytes
    name: str = ""


class FunctionType(NamedTuple):
    """Value types of parameters and results, as the bytes of the binary format."""

    params: bytes
    results: bytes

    def __str__(self) -> str:
        inputs = ", ".join(VALUE_NAMES[kind] for kind in self.params)
        outputs = ", ".join(VALUE_NAMES[kind] for kind in self.results)
        return f"({inputs}) -> ({outputs})"


@dataclass(frozen=True, slots=True)
class Global:
    """A global variable that the module defines."""

    kind: int
    mutable: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the module defines: the type of its elements, and its bounds."""

    kind: int
    limits: Limits


class Import(NamedTuple):
    """An import; `type_index` is set for functions."""

    module: str
    name: str
    kind: Kind
    type_index: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """An export and the index of what it names."""

    name: str
    kind: Kind
    index: int


@dataclass(slots=True)
class WasmBinary:
    """A module taken apart."""

    sections: list[Section] = field(default_factory=list)
    types: list[FunctionType] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)
    """Type index of each function that the module defines."""
    tables: list[Table] = field(default_factory=list)
    memories: list[Limits] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    start: int | None = None
    bodies: list[bytes] = field(default_factory=list)
    data_segments: int = 0

    @property
    def imported_functions(self) -> list[Import]:
        """The imports that are functions, in index order."""
        return [item for item in self.imports if item.kind is Kind.FUNCTION]

    @property
    def type_indices(self) -> list[int]:
        """The type index of every function, imported or defined, in index order; costs a pass over all imports."""
        return [item.type_index for item in self.imported_functions] + self.functions


def parse(wasm: bytes) -> WasmBinary:
    """Take a module apart; raises WasmDecodeError."""
    if wasm[:8] != MAGIC:
        raise WasmDecodeError("bad magic number or version")
    binary = WasmBinary()
    reader = Reader(wasm)
    reader.position = 8
    while not reader.done:
        section_id = reader.byte()
        section = _named(section_id, reader.take(reader.number()))
        binary.sections.append(section)
        if section_id in _PARSERS:
            _PARSERS[SectionId(section_id)](binary, Reader(section.content))
        elif section_id > SectionId.DATA_COUNT:
            raise WasmDecodeError(f"section {section_id} belongs to a feature that canisters cannot use")
    return binary


def _named(section_id: int, content: bytes) -> Section:
    if section_id != SectionId.CUSTOM:
        return Section(section_id, content)
    reader = Reader(content)
    name = reader.text()
    return Section(section_id, content[reader.position :], name)


def _types(binary: WasmBinary, reader: Reader) -> None:
    for _ in range(reader.count("types")):
        if (form := reader.byte()) != 0x60:
            raise WasmDecodeError(f"type form 0x{form:02x} belongs to a feature that canisters cannot use")
        params = reader.value_types(reader.count("parameters", MAX_VALUES))
        results = reader.value_types(reader.count("results", MAX_VALUES))
        binary.types.append(FunctionType(params, results))


def _imports(binary: WasmBinary, reader: Reader) -> None:
    for _ in range(reader.count("imports")):
        module, name, code = reader.text(), reader.text(), reader.byte()
        if code >= len(_KINDS):
            raise WasmDecodeError(f"unknown import kind {code}")
        kind = _KINDS[code]
        type_index = 0
        if kind is Kind.FUNCTION:
            type_index = reader.number()
        elif kind is Kind.GLOBAL:
            reader.take(2)
        elif kind is Kind.TAG:
            reader.byte(), reader.number()
        else:
            if kind is Kind.TABLE:
                reader.value_type()
            reader.limits()
        binary.imports.append(Import(module, name, kind, type_index))


def _functions(binary: WasmBinary, reader: Reader) -> None:
    binary.functions = [reader.number() for _ in range(reader.count("functions"))]


def _tables(binary: WasmBinary, reader: Reader) -> None:
    for _ in range(reader.count("tables")):
        binary.tables.append(Table(reader.value_type(), reader.limits()))


def _memories(binary: WasmBinary, reader: Reader) -> None:
    binary.memories = [reader.limits() for _ in range(reader.count("memories"))]


def _globals(binary: WasmBinary, reader: Reader) -> None:
    for _ in range(reader.count("globals")):
        kind, mutable = reader.value_type(), reader.byte()
        reader.skip_constant()
        binary.globals.append(Global(kind, bool(mutable)))


def _exports(binary: WasmBinary, reader: Reader) -> None:
    for _ in range(reader.count("exports")):
        name, code = reader.text(), reader.byte()
        if code >= len(_KINDS):
            raise WasmDecodeError(f"unknown export kind {code}")
        binary.exports.append(Export(name, _KINDS[code], reader.number()))


def _start(binary: WasmBinary, reader: Reader) -> None:
    binary.start = reader.number()


def _code(binary: WasmBinary, reader: Reader) -> None:
    binary.bodies = [reader.take(reader.number()) for _ in range(reader.count("functions"))]


def _data(binary: WasmBinary, reader: Reader) -> None:
    binary.data_segments = reader.number()


_PARSERS: dict[SectionId, Callable[[WasmBinary, Reader], None]] = {
    SectionId.TYPE: _types,
    SectionId.IMPORT: _imports,
    SectionId.FUNCTION: _functions,
    SectionId.TABLE: _tables,
    SectionId.MEMORY: _memories,
    SectionId.GLOBAL: _globals,
    SectionId.EXPORT: _exports,
    SectionId.START: _start,
    SectionId.CODE: _code,
    SectionId.DATA: _data,
}
