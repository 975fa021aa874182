"""Reads a message's header: magic number, type table, argument types (Candid specification, "Binary Format").

    "DIDL"  count  entry*            type table: composite and future types only
            count  type*             the arguments' types: a primitive opcode or an index into the table

Every entry of the table is validated, used or not: known opcodes, indices in
range, labels and method names in strictly increasing order, methods that are functions.
"""

from __future__ import annotations

from typing import Final

from ic_harness.candid import leb128
from ic_harness.candid.types import (
    BY_OPCODE,
    MAX_FIELD_ID,
    Field,
    Func,
    Future,
    Mode,
    Named,
    Opt,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
)
from ic_harness.errors import CandidError

MAGIC: Final = b"DIDL"
MAX_TABLE: Final = 10_000
"""Most entries of a type table; real interfaces have some hundred."""

OPT, VEC, RECORD, VARIANT, FUNC, SERVICE = -18, -19, -20, -21, -22, -23
LAST_KNOWN_OPCODE: Final = -24
MODES: Final[dict[int, Mode]] = {1: "query", 2: "oneway", 3: "composite_query"}


def read_header(data: bytes | memoryview) -> tuple[tuple[Type, ...], int]:
    """Read the header of a message: return the argument types, and the position where the values begin.

    Raises `CandidError` with the byte at which the header is wrong.
    """
    if data[:4] != MAGIC:
        raise CandidError("not a Candid message", offset=0, expected="the magic number DIDL")
    return _HeaderReader(data).read()


class _HeaderReader:
    """Reads one header; `pos` is the next byte."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = data
        self.pos = len(MAGIC)
        self.table: list[Named] = []
        self.method_types: list[tuple[int, Named]] = []

    def read(self) -> tuple[tuple[Type, ...], int]:
        size = self.count("types in the table", MAX_TABLE)
        self.table = [Named(f"table{index}") for index in range(size)]
        for entry in self.table:
            entry.define(self.entry())
        for offset, method in self.method_types:
            if not isinstance(method.target, Func):
                raise CandidError(
                    "a method has a type that is no function", offset=offset, expected="a func type"
                )
        arguments = tuple(self.reference() for _ in range(self.count("arguments", MAX_TABLE)))
        return arguments, self.pos

    def number(self) -> int:
        value, self.pos = leb128.read_length(self.data, self.pos)
        return value

    def count(self, what: str, limit: int | None = None) -> int:
        """Read a count of items of at least one byte each, which cannot exceed the bytes left."""
        start = self.pos
        value = self.number()
        left = len(self.data) - self.pos
        if value > left or (limit is not None and value > limit):
            raise CandidError(f"{value} {what} announced, {left} bytes left", offset=start)
        return value

    def entry(self) -> Type:  # noqa: PLR0911 - a return for each kind of type
        start = self.pos
        opcode, self.pos = leb128.read_index(self.data, self.pos)
        match opcode:
            case -18:
                return Opt(self.reference())
            case -19:
                return Vec(self.reference())
            case -20:
                return Record(self.fields())
            case -21:
                return Variant(self.fields())
            case -22:
                return self.func()
            case -23:
                return self.service()
        if opcode >= LAST_KNOWN_OPCODE:
            raise CandidError(
                f"opcode {opcode} in the type table", offset=start, expected="a composite type (-18 to -23)"
            )
        length = self.count("bytes of a future type")
        self.pos += length
        return Future(opcode)

    def reference(self) -> Type:
        start = self.pos
        index, self.pos = leb128.read_index(self.data, self.pos)
        if index < 0:
            primitive = BY_OPCODE.get(index)
            if primitive is None:
                raise CandidError(f"opcode {index} is no primitive type", offset=start)
            return primitive
        if index >= len(self.table):
            raise CandidError(f"type {index} of a table of {len(self.table)}", offset=start)
        return self.table[index]

    def fields(self) -> tuple[Field, ...]:
        found: list[Field] = []
        last = -1
        for _ in range(self.count("fields")):
            start = self.pos
            label = self.number()
            if label > MAX_FIELD_ID:
                raise CandidError(f"field label {label} does not fit 32 bits", offset=start)
            if label <= last:
                raise CandidError("field labels are not in increasing order", offset=start)
            last = label
            found.append(Field(label, None, self.reference()))
        return tuple(found)

    def func(self) -> Func:
        arguments = tuple(self.reference() for _ in range(self.count("parameters")))
        results = tuple(self.reference() for _ in range(self.count("results")))
        modes = {self.annotation() for _ in range(self.count("annotations"))}
        if len(modes) > 1:
            raise CandidError("a function has more than one mode", offset=self.pos)
        return Func(arguments, results, modes.pop() if modes else "update")

    def annotation(self) -> Mode:
        start = self.pos
        mode = MODES.get(self.data[start]) if start < len(self.data) else None
        if mode is None:
            raise CandidError("unknown annotation of a function", offset=start, expected="1, 2 or 3")
        self.pos += 1
        return mode

    def service(self) -> ServiceType:
        methods: list[tuple[str, Type]] = []
        last: bytes | None = None
        for _ in range(self.count("methods")):
            start = self.pos
            name = self.name()
            if last is not None and name <= last:
                raise CandidError("method names are not in increasing order", offset=start)
            last = name
            methods.append((self.text(name, start), self.method(self.pos)))
        return ServiceType(tuple(methods))

    def name(self) -> bytes:
        length = self.count("bytes of a method name")
        name = bytes(self.data[self.pos : self.pos + length])
        self.pos += length
        return name

    def text(self, name: bytes, offset: int) -> str:
        try:
            return name.decode()
        except UnicodeDecodeError:
            raise CandidError("a method name is not UTF-8", offset=offset) from None

    def method(self, offset: int) -> Type:
        method = self.reference()
        if not isinstance(method, Named):
            raise CandidError(
                "a method has a type that is no function", offset=offset, expected="a func type"
            )
        self.method_types.append((offset, method))
        return method
