"""The world's dataclasses as plain values for CBOR, and back, driven by their type annotations.

A dataclass becomes a list of its name and its fields in order; the reader knows from the annotations what
each field must be, so a file can only ever yield what `world` declares. Another number of fields than
declared means that another version wrote the file.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from ic_harness.errors import StateError

_PLAIN: Final = frozenset({int, str, bytes, bool, type(None)})
_SEQUENCES: Final[dict[Any, Callable[[Any], Any]]] = {tuple: tuple, list: list, deque: deque}


@cache
def _fields(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(cls))


def to_plain(value: Any) -> Any:
    """Turn a value into lists, ints, texts and bytes."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return [[to_plain(key), to_plain(item)] for key, item in value.items()]
    if isinstance(value, tuple | list | deque):
        return [to_plain(item) for item in value]
    known: Any = kind  # a type is hashable, which mypy does not see
    names = (name for name, _ in _fields(known))
    return [kind.__name__, *(to_plain(getattr(value, name)) for name in names)]


def from_plain(plain: Any, kind: Any) -> Any:
    """Turn what `to_plain` gave back into a value of the annotated type. Raises `StateError`."""
    if kind in _PLAIN:
        return _checked(plain, kind)
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _from_union(plain, typing.get_args(kind))
    if origin is dict:
        key, item = typing.get_args(kind)
        return {from_plain(k, key): from_plain(v, item) for k, v in _checked(plain, list)}
    if origin in _SEQUENCES:
        return _SEQUENCES[origin](_items(_checked(plain, list), typing.get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(plain)
    return _from_record(_checked(plain, list), kind)


def _checked(plain: Any, kind: Any) -> Any:
    if not isinstance(plain, kind):
        raise StateError(f"the state holds a {type(plain).__name__} where a {kind.__name__} belongs")
    return plain


def _items(plain: list[Any], kinds: tuple[Any, ...]) -> list[Any]:
    if len(kinds) == 2 and kinds[1] is not Ellipsis:
        if len(plain) != 2:
            raise StateError("the state holds a pair of another length than two")
        return [from_plain(item, kind) for item, kind in zip(plain, kinds, strict=True)]
    return [from_plain(item, kinds[0]) for item in plain]


def _from_union(plain: Any, kinds: tuple[Any, ...]) -> Any:
    if plain is None:
        return None
    if isinstance(plain, list) and plain:
        for kind in kinds:
            if getattr(kind, "__name__", None) == plain[0]:
                return _from_record(plain, kind)
    for kind in kinds:
        if kind in _PLAIN and isinstance(plain, kind):
            return plain
    raise StateError(f"the state holds something that is none of {kinds}")


def _from_record(plain: list[Any], kind: Any) -> Any:
    fields = _fields(kind)
    if len(plain) != len(fields) + 1 or plain[0] != kind.__name__:
        raise StateError(f"the state holds no {kind.__name__} as this version knows it")
    values = {name: from_plain(value, hint) for (name, hint), value in zip(fields, plain[1:], strict=True)}
    return kind(**values)
