"""Writes a message's header: the type table, in which each type occurs once, and the argument types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ic_harness.candid.header_reader import FUNC, MAGIC, OPT, RECORD, SERVICE, VARIANT, VEC
from ic_harness.candid.primitive_writers import encode_signed, encode_unsigned
from ic_harness.candid.types import (
    Field,
    Func,
    Mode,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    resolve,
)
from ic_harness.errors import CandidError

_MODE_BYTES: Final[dict[Mode, bytes]] = {
    "update": b"\x00", "query": b"\x01\x01", "oneway": b"\x01\x02", "composite_query": b"\x01\x03",
}  # fmt: skip


def write_header(types: Sequence[Type]) -> bytes:
    """Return magic number, type table and argument types. Raises `CandidError` for types that cannot be sent."""
    table = _Table()
    arguments = [table.reference(type_) for type_ in types]
    entries = table.entries()
    parts = [MAGIC, encode_unsigned(len(entries)), *entries, encode_unsigned(len(arguments)), *arguments]
    return b"".join(parts)


class _Table:
    """Numbers composite types in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[Type, int] = {}
        self._types: list[Type] = []

    def reference(self, type_: Type) -> bytes:
        """Encode a reference to a type: the opcode of a primitive, or the index into the table."""
        actual = resolve(type_)
        if isinstance(actual, Prim):
            return encode_signed(actual.opcode)
        # Equal types share an entry; a recursive one is found by identity, before its definition is written.
        number = self._numbers.setdefault(actual, len(self._types))
        if number == len(self._types):
            self._types.append(actual)
        return encode_signed(number)

    def entries(self) -> list[bytes]:
        """Encode the definitions; types they refer to are appended to the table."""
        written: list[bytes] = []
        while len(written) < len(self._types):
            written.append(self._definition(self._types[len(written)]))
        return written

    def _definition(self, type_: Type) -> bytes:
        match type_:
            case Opt(inner):
                return encode_signed(OPT) + self.reference(inner)
            case Vec(inner):
                return encode_signed(VEC) + self.reference(inner)
            case Record(fields):
                return encode_signed(RECORD) + self._fields(fields)
            case Variant(fields):
                return encode_signed(VARIANT) + self._fields(fields)
            case Func():
                return encode_signed(FUNC) + self._func(type_)
            case ServiceType(methods):
                return encode_signed(SERVICE) + self._methods(methods)
        raise CandidError(f"values of the type {type_} cannot be encoded")

    def _fields(self, fields: Sequence[Field]) -> bytes:
        return _sequence(encode_unsigned(f.id) + self.reference(f.type) for f in fields)

    def _func(self, func: Func) -> bytes:
        arguments = _sequence(self.reference(t) for t in func.arg_types)
        results = _sequence(self.reference(t) for t in func.return_types)
        return arguments + results + _MODE_BYTES[func.mode]

    def _methods(self, methods: Sequence[tuple[str, Type]]) -> bytes:
        ordered = sorted(((name.encode(), method) for name, method in methods), key=lambda pair: pair[0])
        return _sequence(
            encode_unsigned(len(name)) + name + self.reference(method) for name, method in ordered
        )


def _sequence(parts: Iterable[bytes]) -> bytes:
    written = list(parts)
    return encode_unsigned(len(written)) + b"".join(written)
