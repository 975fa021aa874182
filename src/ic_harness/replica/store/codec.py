"""The state's dataclasses as plain values for CBOR, and back, driven by their type annotations.

A dataclass becomes a list of its name and its fields in order. The annotations say what each field must be,
in both directions: the writer refuses what the reader would refuse, so that a value of a wrong type stops
the round that made it and never makes a state folder unreadable. A record with fewer fields than declared
was written by an earlier version: the missing ones, at the end, take their declared defaults.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final

from ic_harness.errors import StateError

_PLAIN: Final = frozenset({int, str, bytes, bool, type(None)})
_SEQUENCES: Final[dict[Any, Callable[[Any], Any]]] = {tuple: tuple, list: list, deque: deque}
_Writer = Callable[[Any], Any]
_Reader = Callable[[Any], Any]


@cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(cls))


@cache
def _required(cls: Any) -> int:
    """How many fields at the beginning a record must have."""
    needed = [
        index
        for index, field in enumerate(dataclasses.fields(cls))
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return max(needed, default=-1) + 1


def _stored_name(kind: Any) -> str:
    """The name of a record on disk: that of its class, or the one that the class had when the format was made."""
    name: str = getattr(kind, "STORED_AS", kind.__name__)
    return name


# --- writing ------------------------------------------------------------------------------------------------


def to_plain(value: Any) -> Any:
    """Turn a record into lists, ints, texts and bytes. Raises `StateError` for what could not be read again."""
    kind: Any = type(value)  # a type is hashable, which mypy does not see
    return _writer(kind)(value)


def to_plain_with(record: Any, given: Mapping[str, Any]) -> list[Any]:
    """Turn a record into plain values as `to_plain` does, but the fields in `given` become what stands there."""
    kind: Any = type(record)  # a type is hashable, which mypy does not see
    written: list[Any] = _partial_writer(kind, frozenset(given))(record)
    for place, (field, _) in enumerate(_fields(kind), 1):
        if field in given:
            written[place] = given[field]
    return written


@cache
def _partial_writer(kind: Any, left_out: frozenset[str]) -> _Writer:
    return _record_writer(kind, left_out)


@cache
def _writer(kind: Any) -> _Writer:
    """The function that turns a value of an annotated type into a plain one, made once for each type."""
    if kind in _PLAIN:
        return lambda value: _checked(value, kind)
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _union_writer(typing.get_args(kind))
    if origin is dict:
        key, item = map(_writer, typing.get_args(kind))
        return lambda value: [[key(k), item(v)] for k, v in _checked(value, dict).items()]
    if origin in _SEQUENCES:
        return _sequence_writer(origin, typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return lambda value: _checked(value, kind).value
    if dataclasses.is_dataclass(kind):
        return _record_writer(kind)
    raise StateError(f"a {kind} cannot be kept in the state")


def _record_writer(kind: Any, left_out: frozenset[str] = frozenset()) -> _Writer:
    """The function that turns a record into plain values, except for the fields that are `left_out`."""
    name = _stored_name(kind)
    values = _getter([field for field, _ in _fields(kind)])
    # Most fields are plain already: of these the types are compared all at once, and looked at where they differ.
    plain = [(field, hint) for field, hint in _fields(kind) if hint in _PLAIN and field not in left_out]
    plain_values, plain_kinds = _getter([field for field, _ in plain]), tuple(hint for _, hint in plain)
    others = [
        (place, _writer(hint))
        for place, (field, hint) in enumerate(_fields(kind), 1)
        if hint not in _PLAIN and field not in left_out
    ]

    def write(record: Any) -> list[Any]:
        if type(record) is not kind:
            _checked(record, kind)
        found = plain_values(record)
        if tuple(map(type, found)) != plain_kinds:
            for value, wanted in zip(found, plain_kinds, strict=True):
                _checked(value, wanted)
        written = [name, *values(record)]
        for place, writer in others:
            written[place] = writer(written[place])
        return written

    return write


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function that reads these attributes of a record."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _sequence_writer(origin: Any, kinds: tuple[Any, ...]) -> _Writer:
    writers = [_writer(kind) for kind in kinds if kind is not Ellipsis]
    if len(kinds) == 2 and kinds[1] is not Ellipsis:
        return lambda value: [
            writer(item) for writer, item in zip(writers, _pair(_sequence(value, origin)), strict=True)
        ]
    (one,) = writers
    return lambda value: [one(item) for item in _sequence(value, origin)]


def _union_writer(kinds: tuple[Any, ...]) -> _Writer:
    writers = {typing.get_origin(kind) or kind: _writer(kind) for kind in kinds}

    def write(value: Any) -> Any:
        writer = writers.get(type(value))
        if writer is None:
            raise StateError(f"the state cannot hold a {type(value).__name__} where one of {kinds} belongs")
        return writer(value)

    return write


# --- reading ------------------------------------------------------------------------------------------------


def from_plain(plain: Any, kind: Any) -> Any:
    """Turn what `to_plain` gave back into a value of the annotated type. Raises `StateError`."""
    return _reader(kind)(plain)


@cache
def _reader(kind: Any) -> _Reader:
    """The function that turns a plain value into one of an annotated type, made once for each type."""
    if kind in _PLAIN:
        return lambda plain: _checked(plain, kind)
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _union_reader(typing.get_args(kind))
    if origin is dict:
        key, item = map(_reader, typing.get_args(kind))
        return lambda plain: {
            key(k): item(v) for k, v in (_pair(_checked(pair, list)) for pair in _checked(plain, list))
        }
    if origin in _SEQUENCES:
        return _sequence_reader(_SEQUENCES[origin], typing.get_args(kind))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return lambda plain: _member(plain, kind)
    return _record_reader(kind)


def _record_reader(kind: Any) -> _Reader:
    readers = [(name, _reader(hint)) for name, hint in _fields(kind)]
    least, most = _required(kind) + 1, len(readers) + 1

    def read(plain: Any) -> Any:
        if not least <= len(_checked(plain, list)) <= most or plain[0] != _stored_name(kind):
            raise StateError(f"the state holds no {kind.__name__} as this version knows it")
        return kind(
            **{name: reader(value) for (name, reader), value in zip(readers, plain[1:], strict=False)}
        )

    return read


def _sequence_reader(make: Callable[[Any], Any], kinds: tuple[Any, ...]) -> _Reader:
    readers = [_reader(kind) for kind in kinds if kind is not Ellipsis]
    if len(kinds) == 2 and kinds[1] is not Ellipsis:
        return lambda plain: make(
            reader(item) for reader, item in zip(readers, _pair(_checked(plain, list)), strict=True)
        )
    (one,) = readers
    return lambda plain: make([one(item) for item in _checked(plain, list)])


def _union_reader(kinds: tuple[Any, ...]) -> _Reader:
    plain_kinds = tuple(kind for kind in kinds if kind in _PLAIN)
    records: dict[str, _Reader] = {}
    for kind in kinds:
        if dataclasses.is_dataclass(kind):
            records[_stored_name(kind)] = _record_reader(kind)
    # A sequence of records is no record, because it does not begin with a name.
    sequence = next((_reader(kind) for kind in kinds if typing.get_origin(kind) in _SEQUENCES), None)
    member = next((_reader(kind) for kind in kinds if isinstance(kind, enum.EnumType)), None)

    def read(plain: Any) -> Any:
        if isinstance(plain, list) and plain and isinstance(plain[0], str) and plain[0] in records:
            return records[plain[0]](plain)
        if isinstance(plain, plain_kinds):
            return plain
        if isinstance(plain, list) and sequence is not None:
            return sequence(plain)
        if isinstance(plain, str) and member is not None:
            return member(plain)
        raise StateError(f"the state holds something that is none of {kinds}")

    return read


def _checked(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise StateError(f"the state holds a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _sequence(value: Any, kind: Any) -> Any:
    """Sequences are interchangeable: it is read as the declared one."""
    return value if isinstance(value, tuple | list | deque) else _checked(value, kind)


def _pair(items: Any) -> Any:
    if len(items) != 2:
        raise StateError(f"the state holds {len(items)} values where a pair belongs")
    return items


def _member(plain: Any, kind: type[enum.Enum]) -> enum.Enum:
    try:
        return kind(plain)
    except ValueError as problem:
        raise StateError(f"the state holds no {kind.__name__}: {problem}") from problem
