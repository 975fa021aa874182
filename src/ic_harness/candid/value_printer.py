"""Formats values as text, laid out for readable diffs.

A value that fits is written on one line; a longer one has one item a line, each with its separator, so that a
changed item changes its own lines only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from ic_harness.candid.encoding import encode
from ic_harness.candid.references import FuncRef, ServiceRef, Some
from ic_harness.candid.types import (
    FLOAT32,
    FLOAT64,
    NAT8,
    NULL,
    PRINCIPAL,
    RANGES,
    RESERVED,
    TEXT,
    Field,
    Func,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    in_source_order,
    quote_name,
    quote_text,
    resolve,
)
from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

_WIDTH: Final = 100
_LONG_INT: Final = 10_000
"""Larger numbers (bits) are written in hexadecimal, which takes linear time and has no limit in Python."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A bracketed list that may be split into lines. `width` is its length on one line."""

    head: str
    items: tuple[_Doc, ...]
    separator: str
    tail: str
    width: int


_Doc = str | _Group


def format_values(values: Sequence[Any], types: Sequence[Type]) -> str:
    """Format values at the given types as text that `parse_values` reads back: `(42 : nat8, opt "a")`.

    Numbers of a fixed size are annotated with their type. Raises `CandidError` for values that do not fit their types.
    """
    # Encoding checks that the values fit their types, and names the path of one that does not.
    encode(values, types)
    filled = [*values, *([None] * (len(types) - len(values)))]
    try:
        items = tuple(_doc(value, type_, bare=True) for value, type_ in zip(filled, types, strict=True))
        return "".join(_render(_group("(", items, ",", ")"), "", 0))
    except RecursionError:
        raise CandidError("the value is nested too deeply to be written as text") from None


def _group(head: str, items: tuple[_Doc, ...], separator: str, tail: str) -> _Group:
    inner = sum(_width(item) + 2 for item in items)
    return _Group(head, items, separator, tail, len(head) + inner + len(tail))


def _width(doc: _Doc) -> int:
    return len(doc) if isinstance(doc, str) else doc.width


def _render(doc: _Doc, indent: str, used: int) -> list[str]:
    """Return the text of a doc that begins in column `used` of a line indented by `indent`."""
    if isinstance(doc, str):
        return [doc]
    if not doc.items:
        return [doc.head, doc.tail]
    braces = doc.head.endswith("{")
    if used + doc.width <= _WIDTH:
        parts = [doc.head, " " if braces else ""]
        for index, item in enumerate(doc.items):
            parts += [f"{doc.separator} " if index else "", *_render(item, indent, 0)]
        return [*parts, " " if braces else "", doc.tail]
    deeper = f"{indent}  "
    parts = [doc.head, "\n"]
    for item in doc.items:
        parts += [deeper, *_render(item, deeper, len(deeper) + 1), doc.separator, "\n"]
    return [*parts, indent, doc.tail]


def _doc(value: Any, type_: Type, *, bare: bool = False) -> _Doc:  # noqa: PLR0911 - a return for each kind of type
    """Return the doc of a value; `bare` where a type annotation needs no parentheses."""
    actual = resolve(type_)
    match actual:
        case Prim():
            return _primitive(value, actual, bare=bare)
        case Opt(inner):
            if value is None:
                return "null"
            payload = value.value if isinstance(value, Some) else value
            return _prefixed("opt ", _doc(payload, inner))
        case Vec(inner):
            return _vector(value, inner)
        case Record():
            return _record(value, actual)
        case Variant(fields):
            return _variant(value, fields)
        case Func():
            return _func(value)
        case ServiceType():
            return f'service "{_principal(value)}"'
    raise AssertionError(actual)


def _prefixed(prefix: str, doc: _Doc) -> _Doc:
    if isinstance(doc, str):
        return prefix + doc
    return _Group(prefix + doc.head, doc.items, doc.separator, doc.tail, doc.width + len(prefix))


def _primitive(value: Any, prim: Prim, *, bare: bool) -> str:
    if prim is NULL or prim is RESERVED:
        return "null"
    if prim is TEXT:
        return quote_text(value)
    if prim is PRINCIPAL:
        return f'principal "{_principal(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    number = _float(float(value)) if prim in (FLOAT32, FLOAT64) else _int(value)
    if prim not in RANGES and prim not in (FLOAT32, FLOAT64):
        return number
    return f"{number} : {prim.name}" if bare else f"({number} : {prim.name})"


def _int(value: int) -> str:
    if value.bit_length() > _LONG_INT:
        return hex(value)
    return f"{value:_}" if abs(value) >= 10_000 else str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        # The grammar has no literal for infinity; a number beyond the range is parsed as infinity.
        return "1e999" if value > 0 else "-1e999"
    return repr(value)


def _principal(value: Any) -> str:
    return str(Principal.of(value.principal if isinstance(value, ServiceRef) else value))


def _func(value: Any) -> str:
    reference = value if isinstance(value, FuncRef) else FuncRef(Principal.of(value[0]), value[1])
    return f'func "{reference.principal}".{quote_name(reference.method)}'


def _vector(value: Any, inner: Type) -> _Doc:
    if resolve(inner) is NAT8:
        return f'blob "{"".join(_BLOB_CHARS[byte] for byte in bytes(value))}"'
    return _group("vec {", tuple(_doc(item, inner, bare=True) for item in value), ";", "}")


_BLOB_CHARS: Final = [
    chr(byte) if 0x20 <= byte <= 0x7E and byte not in b'"\\' else f"\\{byte:02x}" for byte in range(256)
]


def _record(value: Any, record: Record) -> _Doc:
    if record.is_tuple and not isinstance(value, dict):
        items = [_doc(item, f.type, bare=True) for item, f in zip(value, record.fields, strict=True)]
    else:
        given = dict(value)
        items = [
            _prefixed("" if record.is_tuple else f"{_label(f)} = ", _doc(given.get(f.key), f.type, bare=True))
            for f in in_source_order(record.fields)
        ]
    return _group("record {", tuple(items), ";", "}")


def _variant(value: Any, fields: tuple[Field, ...]) -> _Doc:
    ((key, payload),) = ((value, None),) if isinstance(value, str) else value.items()
    f = next(f for f in fields if f.key == key)
    if resolve(f.type) is NULL:
        return f"variant {{ {_label(f)} }}"
    return _group("variant {", (_prefixed(f"{_label(f)} = ", _doc(payload, f.type, bare=True)),), ";", "}")


def _label(f: Field) -> str:
    return str(f.id) if f.name is None else quote_name(f.name)
