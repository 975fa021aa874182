"""Candid types as values (Candid specification, "Core Grammar").

A type is an immutable tree of the classes below. A name of a `.did` file is a `Named` in the tree, whose target
is set when all definitions are read; so a type can refer to itself. Equality is structural, except for `Named`,
which equals only itself, so that comparing recursive types terminates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from functools import cache
from typing import Final, Literal

from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass

Mode = Literal["update", "query", "composite_query", "oneway"]
"""How a method is called; `update` is the mode without an annotation."""

MAX_FIELD_ID: Final = 2**32 - 1


class Type:
    """Base of all Candid types; `str(type)` returns the text of a `.did` file."""

    __slots__ = ()

    def __str__(self) -> str:
        return format_type(self)


@dataclass(frozen=True, slots=True)
class Prim(Type):
    """A primitive type (`principal` included, which is one on the wire).

    `opcode` is its negative type code.
    """

    name: str
    opcode: int

    def __hash__(self) -> int:
        return self.opcode

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Prim({self.name!r})"


NULL: Final = Prim("null", -1)
BOOL: Final = Prim("bool", -2)
NAT: Final = Prim("nat", -3)
INT: Final = Prim("int", -4)
NAT8: Final = Prim("nat8", -5)
NAT16: Final = Prim("nat16", -6)
NAT32: Final = Prim("nat32", -7)
NAT64: Final = Prim("nat64", -8)
INT8: Final = Prim("int8", -9)
INT16: Final = Prim("int16", -10)
INT32: Final = Prim("int32", -11)
INT64: Final = Prim("int64", -12)
FLOAT32: Final = Prim("float32", -13)
FLOAT64: Final = Prim("float64", -14)
TEXT: Final = Prim("text", -15)
RESERVED: Final = Prim("reserved", -16)
EMPTY: Final = Prim("empty", -17)
PRINCIPAL: Final = Prim("principal", -24)

PRIMITIVES: Final = (
    NULL, BOOL, NAT, INT, NAT8, NAT16, NAT32, NAT64, INT8, INT16, INT32, INT64,
    FLOAT32, FLOAT64, TEXT, RESERVED, EMPTY, PRINCIPAL,
)  # fmt: skip
BY_OPCODE: Final = {prim.opcode: prim for prim in PRIMITIVES}
BY_NAME: Final = {prim.name: prim for prim in PRIMITIVES}

RANGES: Final = {
    **{prim: (0, 2**bits - 1) for prim, bits in ((NAT8, 8), (NAT16, 16), (NAT32, 32), (NAT64, 64))},
    **{prim: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
       for prim, bits in ((INT8, 8), (INT16, 16), (INT32, 32), (INT64, 64))},
}  # fmt: skip
"""Smallest and largest value of each integer type of fixed size."""

STRUCT_CODES: Final = {
    NAT8: "B", NAT16: "H", NAT32: "I", NAT64: "Q", INT8: "b", INT16: "h", INT32: "i", INT64: "q",
    FLOAT32: "f", FLOAT64: "d",
}  # fmt: skip
"""The letter of Python's `struct` for each number type of fixed size (little endian)."""


@dataclass(frozen=True, slots=True)
class Opt(Type):
    """`opt T`: a value or null."""

    inner: Type


@dataclass(frozen=True, slots=True)
class Vec(Type):
    """`vec T`: a sequence; `blob` is `vec nat8`."""

    inner: Type


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record or variant.

    `id` is the 32-bit label on the wire; `name` the text that hashes to it, or None for a numeric label.
    `doc` are the comment lines above it, `position` its index in the text, where fields may have any order.
    """

    id: int
    name: str | None
    type: Type
    doc: str = field(default="", compare=False)
    position: int = field(default=0, compare=False)

    @property
    def key(self) -> str | int:
        """The key of this field in Python values: the name, or the number when it has none."""
        return self.id if self.name is None else self.name


@dataclass(frozen=True, slots=True)
class Record(Type):
    """`record { … }`; fields in increasing order of their ids."""

    fields: tuple[Field, ...]

    @property
    def is_tuple(self) -> bool:
        """Whether the labels are the numbers 0, 1, 2 …, so that values are tuples (false without fields)."""
        return bool(self.fields) and all(
            f.id == index and f.name is None for index, f in enumerate(self.fields)
        )


@dataclass(frozen=True, slots=True)
class Variant(Type):
    """`variant { … }`; cases in increasing order of their ids."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Func(Type):
    """`func (…) -> (…) mode`; `arg_names` and `return_names` are documentation only."""

    arg_types: tuple[Type, ...]
    return_types: tuple[Type, ...]
    mode: Mode = "update"
    arg_names: tuple[str | None, ...] = field(default=(), compare=False)
    return_names: tuple[str | None, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ServiceType(Type):
    """`service { name : func }`: methods sorted by name; each type is a `Func` or a name for one."""

    methods: tuple[tuple[str, Type], ...]
    docs: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Future(Type):
    """A type of a later version of Candid, found in a message: its values can only be skipped."""

    opcode: int


class Named(Type):
    """A use of a defined name. `target` is the definition, which is set once."""

    __slots__ = ("_target", "doc", "name")

    def __init__(self, name: str, doc: str = "") -> None:
        self.name = name
        self.doc = doc
        self._target: Type | None = None

    @property
    def target(self) -> Type:
        """The definition, which may be a name again. Raises `CandidError` when the name is not defined."""
        if self._target is None:
            raise CandidError(f"the type {self.name!r} is used but not defined")
        return self._target

    @property
    def defined(self) -> bool:
        """Whether the definition is set."""
        return self._target is not None

    def define(self, target: Type) -> None:
        """Set the definition. Raises `CandidError` when it is set already."""
        if self._target is not None:
            raise CandidError(f"the type {self.name!r} is defined twice")
        self._target = target

    def __repr__(self) -> str:
        return f"Named({self.name!r})"


BLOB: Final = Vec(NAT8)


def in_source_order(fields: tuple[Field, ...]) -> list[Field]:
    """Return fields in the order of the text instead of by label."""
    return sorted(fields, key=lambda f: f.position)


def resolve(type_: Type) -> Type:
    """Follow names to a type that is not a name. Raises `CandidError` on a definition that is only itself."""
    if not isinstance(type_, Named):
        return type_
    seen: set[int] = set()
    current: Type = type_
    while isinstance(current, Named):
        if id(current) in seen:
            raise CandidError(f"the type {current.name!r} is defined as itself")
        seen.add(id(current))
        current = current.target
    return current


def nullable(type_: Type) -> bool:
    """Return whether null is a value of the type: `null`, `reserved`, every `opt` (`null <: T`)."""
    actual = resolve(type_)
    return isinstance(actual, Opt) or actual is NULL or actual is RESERVED


@cache
def field_hash(name: str) -> int:
    """Return the label of a field name: its UTF-8 bytes as digits to base 223, modulo 2^32."""
    value = 0
    for byte in name.encode():
        value = (value * 223 + byte) & 0xFFFFFFFF
    return value


def children(type_: Type) -> Iterator[Type]:
    """Yield the direct parts of a type (the definition of a name is not a part of it)."""
    match type_:
        case Opt(inner) | Vec(inner):
            yield inner
        case Record(fields) | Variant(fields):
            yield from (f.type for f in fields)
        case Func():
            yield from type_.arg_types
            yield from type_.return_types
        case ServiceType(methods):
            yield from (method for _, method in methods)


KEYWORDS: Final = frozenset(
    [*BY_NAME, "opt", "vec", "record", "variant", "func", "service", "blob", "type", "import",
     "query", "oneway", "composite_query", "true", "false"]
)  # fmt: skip


def quote_name(name: str) -> str:
    """Return a field or method name as in a `.did` file: quoted unless it is a plain identifier."""
    if name.isascii() and name.isidentifier() and name not in KEYWORDS:
        return name
    return quote_text(name)


def quote_text(text: str) -> str:
    """Return a text as a Candid literal in double quotes, with control characters as escapes."""
    return f'"{"".join(_ESCAPES.get(char) or _escape(char) for char in text)}"'


_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}


def _escape(char: str) -> str:
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def format_type(type_: Type) -> str:  # noqa: PLR0911 - a return for each kind of type
    """Return the type as one line of Candid text. Names are not expanded."""
    match type_:
        case Prim(name):
            return name
        case Named():
            return type_.name
        case Opt(inner):
            return f"opt {format_type(inner)}"
        case Vec(inner):
            return "blob" if inner is NAT8 else f"vec {format_type(inner)}"
        case Record():
            return _format_fields("record", [_record_field(type_, f) for f in in_source_order(type_.fields)])
        case Variant(fields):
            return _format_fields("variant", [_variant_field(f) for f in in_source_order(fields)])
        case Func():
            return f"func {format_signature(type_)}"
        case ServiceType(methods):
            return _format_fields("service", [_method(name, method) for name, method in methods])
        case _:
            return "future"


def format_signature(func: Func) -> str:
    """Return the part of a function type after `func`: `(text) -> (nat) query`."""
    mode = "" if func.mode == "update" else f" {func.mode}"
    return f"{format_types(func.arg_types)} -> {format_types(func.return_types)}{mode}"


def format_types(types: tuple[Type, ...]) -> str:
    """Return a sequence of types as text: `(nat8, vec text)`."""
    return f"({', '.join(format_type(t) for t in types)})"


def _format_fields(keyword: str, parts: list[str]) -> str:
    return f"{keyword} {{ {'; '.join(parts)} }}" if parts else f"{keyword} {{}}"


def _label(f: Field) -> str:
    return str(f.id) if f.name is None else quote_name(f.name)


def _record_field(record: Record, f: Field) -> str:
    return format_type(f.type) if record.is_tuple else f"{_label(f)} : {format_type(f.type)}"


def _variant_field(f: Field) -> str:
    return _label(f) if f.type is NULL else f"{_label(f)} : {format_type(f.type)}"


def _method(name: str, method: Type) -> str:
    text = format_signature(method) if isinstance(method, Func) else format_type(method)
    return f"{quote_name(name)} : {text}"
