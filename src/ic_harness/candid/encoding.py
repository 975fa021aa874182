"""Encodes Python values as a message.

Each type has a writer: a closure that appends the bytes of one value to a list of parts, which are joined once
at the end. So a large blob is copied once, and the work for a type is done when its writer is made.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ic_harness.candid.header_writer import write_header
from ic_harness.candid.primitive_writers import (
    Parts,
    Writer,
    encode_unsigned,
    primitive_writer,
    write_blob,
    write_func,
    write_service,
    wrong,
)
from ic_harness.candid.references import Some
from ic_harness.candid.types import (
    NAT8,
    RANGES,
    STRUCT_CODES,
    Field,
    Func,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    nullable,
    resolve,
)
from ic_harness.errors import CandidError

_MAX_ENCODERS: Final = 1_024


def encode(values: Sequence[Any], types: Sequence[Type]) -> bytes:
    """Encode values at their types as one message.

    Trailing values of nullable types may be left out.
    Raises `CandidError` with the path of the value that does not fit its type.
    """
    return encoder(types)(values)


class Encoder:
    """Encodes values at one tuple of types; header and writers are made once."""

    def __init__(self, types: tuple[Type, ...]) -> None:
        self.types = types
        self._header = write_header(types)
        makers = _Writers()
        self._writers = [makers.writer(type_) for type_ in types]

    def __call__(self, values: Sequence[Any]) -> bytes:
        """Encode one message. Raises `CandidError`."""
        parts: Parts = [self._header]
        for index, (writer, value) in enumerate(zip(self._writers, self._complete(values), strict=True)):
            try:
                writer(value, parts)
            except CandidError as error:
                raise _inside(error, f"args[{index}]") from None
            except RecursionError:
                raise CandidError("the value is nested too deeply", path=f"args[{index}]") from None
        return b"".join(parts)

    def _complete(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return the values, with None for trailing ones that were left out."""
        missing = len(self.types) - len(values)
        if missing < 0 or not all(nullable(t) for t in self.types[len(values) :]):
            raise CandidError(
                f"{len(values)} values given", path="args", expected=f"{len(self.types)} values"
            )
        return [*values, *([None] * missing)] if missing else values


_encoders: dict[tuple[int, ...], Encoder] = {}


def encoder(types: Sequence[Type]) -> Encoder:
    """Return the encoder for these types, from a cache; types are compared by identity."""
    key = tuple(map(id, types))
    found = _encoders.get(key)
    if found is None:
        if len(_encoders) >= _MAX_ENCODERS:
            _encoders.clear()
        found = _encoders[key] = Encoder(tuple(types))
    return found


def _inside(error: CandidError, segment: str) -> CandidError:
    """Return the error with `segment` in front of its path."""
    return CandidError(error.message, path=segment + (error.path or ""), expected=error.expected)


class _Writers:
    """Makes one writer per type; a recursive type refers to its own writer."""

    def __init__(self) -> None:
        self._made: dict[int, Writer] = {}

    def writer(self, type_: Type) -> Writer:
        actual = resolve(type_)
        made = self._made.get(id(actual))
        if made is None:
            # A type that contains itself gets a writer that looks up the finished one.
            self._made[id(actual)] = lambda value, parts: self._made[id(actual)](value, parts)  # noqa: PLW0108
            made = self._made[id(actual)] = self._make(actual)
        return made

    def _make(self, type_: Type) -> Writer:  # noqa: PLR0911 - a return for each kind of type
        match type_:
            case Prim():
                return primitive_writer(type_)
            case Opt(inner):
                return _opt_writer(self.writer(inner))
            case Vec(inner):
                actual = resolve(inner)
                return write_blob if actual is NAT8 else _vec_writer(self.writer(inner), actual)
            case Record():
                return self._record_writer(type_)
            case Variant(fields):
                return _variant_writer({f.key: (i, f, self.writer(f.type)) for i, f in enumerate(fields)})
            case Func():
                return write_func
            case ServiceType():
                return write_service
        raise CandidError(f"values of the type {type_} cannot be encoded")

    def _record_writer(self, record: Record) -> Writer:
        fields = [(f.key, nullable(f.type), self.writer(f.type)) for f in record.fields]
        if record.is_tuple:
            return _tuple_writer([writer for _, _, writer in fields], _record_by_key(fields))
        return _record_by_key(fields)


# Composite values


def _opt_writer(inner: Writer) -> Writer:
    def write(value: Any, parts: Parts) -> None:
        if value is None:
            parts.append(b"\x00")
            return
        parts.append(b"\x01")
        # `Some` is one level of nested options; a bare value is the innermost one.
        inner(value.value if isinstance(value, Some) else value, parts)

    return write


def _vec_writer(inner: Writer, element: Type) -> Writer:
    code = STRUCT_CODES.get(element) if isinstance(element, Prim) else None
    integers = element in RANGES

    def write(value: Any, parts: Parts) -> None:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray | memoryview):
            raise wrong(value, "vec (a list)")
        parts.append(encode_unsigned(len(value)))
        if code is not None and integers and bool not in map(type, value):
            try:
                parts.append(struct.pack(f"<{len(value)}{code}", *value))
            except struct.error:
                _write_each(inner, value, parts)
            return
        _write_each(inner, value, parts)

    return write


def _write_each(inner: Writer, values: Sequence[Any], parts: Parts) -> None:
    for index, value in enumerate(values):
        try:
            inner(value, parts)
        except CandidError as error:
            raise _inside(error, f"[{index}]") from None


def _tuple_writer(writers: list[Writer], by_key: Writer) -> Writer:
    def write(value: Any, parts: Parts) -> None:
        if isinstance(value, Mapping):
            by_key(value, parts)
            return
        if not isinstance(value, tuple | list) or len(value) != len(writers):
            raise wrong(value, f"record with {len(writers)} unnamed fields (a tuple)")
        for index, (writer, part) in enumerate(zip(writers, value, strict=True)):
            try:
                writer(part, parts)
            except CandidError as error:
                raise _inside(error, f".{index}") from None

    return write


def _record_by_key(fields: Sequence[tuple[str | int, bool, Writer]]) -> Writer:
    known = frozenset(key for key, _, _ in fields)

    def write(value: Any, parts: Parts) -> None:
        if not isinstance(value, Mapping) and value != ():
            raise wrong(value, "record (a dict)")
        fields_given = dict(value)
        if not known.issuperset(fields_given):
            raise _unknown_fields(fields_given, known)
        for key, may_miss, writer in fields:
            if key not in fields_given and not may_miss:
                raise CandidError(f"the field {key} is missing", expected=_listing(known))
            try:
                writer(fields_given.get(key), parts)
            except CandidError as error:
                raise _inside(error, f".{key}") from None

    return write


def _unknown_fields(value: Mapping[Any, Any], known: frozenset[str | int]) -> CandidError:
    strange = ", ".join(str(key) for key in value if key not in known)
    return CandidError(f"the record has no field {strange}", expected=_listing(known))


def _listing(keys: Any) -> str:
    return ", ".join(sorted(map(str, keys))) or "nothing"


def _variant_writer(cases: Mapping[str | int, tuple[int, Field, Writer]]) -> Writer:
    prefixes = {key: encode_unsigned(index) for key, (index, _, _) in cases.items()}

    def write(value: Any, parts: Parts) -> None:
        if isinstance(value, str):
            value = {value: None}
        if not isinstance(value, Mapping) or len(value) != 1:
            raise wrong(value, "variant: a dict with one key, or the name of a case without value")
        ((key, payload),) = value.items()
        if key not in cases:
            raise CandidError(f"the variant has no case {key}", expected=f"one of {_listing(cases)}")
        parts.append(prefixes[key])
        try:
            cases[key][2](payload, parts)
        except CandidError as error:
            raise _inside(error, f".{key}") from None

    return write
