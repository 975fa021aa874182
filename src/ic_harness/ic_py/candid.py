"""Candid under ic-py's names: types, and values in its forms.

ic-py writes `opt` as a list of none or one, and labels without a name as `_` and the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ic_harness import candid
from ic_harness.candid import Field, Named, Opt, Record, Type, Variant, Vec, resolve
from ic_harness.errors import CandidError
from ic_harness.ic_py.principal import Principal


class Recursive(Named):
    """A type that is defined later by `fill`, so that it can hold itself."""

    def __init__(self) -> None:
        super().__init__("rec")

    def fill(self, t: Type) -> None:
        """Define the type."""
        self.define(t)


def _fields(fields: Mapping[str, Type | None]) -> tuple[Field, ...]:
    made = []
    for label, inner in fields.items():
        number = int(label[1:]) if label.startswith("_") and label[1:].isdigit() else None
        name = label if number is None else None
        made.append(Field(candid.field_hash(label) if number is None else number, name, inner or candid.NULL))
    return tuple(sorted(made, key=lambda made: made.id))


class Types:
    """ic-py's names of the Candid types."""

    Null, Empty, Bool, Int, Nat = candid.NULL, candid.EMPTY, candid.BOOL, candid.INT, candid.NAT
    Reserved, Text, Principal = candid.RESERVED, candid.TEXT, candid.PRINCIPAL
    Float32, Float64 = candid.FLOAT32, candid.FLOAT64
    Int8, Int16, Int32, Int64 = candid.INT8, candid.INT16, candid.INT32, candid.INT64
    Nat8, Nat16, Nat32, Nat64 = candid.NAT8, candid.NAT16, candid.NAT32, candid.NAT64
    Vec, Opt, Rec = candid.Vec, candid.Opt, Recursive

    @staticmethod
    def Tuple(*types: Type) -> Record:  # noqa: N802 - ic-py's name
        """A record whose labels are 0, 1, 2 and so on."""
        return Record(tuple(Field(index, None, inner) for index, inner in enumerate(types)))

    @staticmethod
    def Record(t: Mapping[str, Type]) -> Record:  # noqa: N802 - ic-py's name
        """A record by its labels."""
        return Record(_fields(t))

    @staticmethod
    def Variant(fields: Mapping[str, Type | None]) -> Variant:  # noqa: N802 - ic-py's name
        """A variant by its labels."""
        return Variant(_fields(fields))


def encode(params: Sequence[Mapping[str, Any]]) -> bytes:
    """Encode arguments given as `{"type": …, "value": …}`. Raises `CandidError`."""
    types = [param["type"] for param in params]
    return candid.encode([value_from(param["type"], param["value"]) for param in params], types)


def decode(data: bytes, retTypes: Any = None) -> list[dict[str, Any]]:  # noqa: N803 - ic-py's name
    """Decode a message at its own types or at `retTypes`, one or a list, to `{"type": …, "value": …}`.

    Raises `CandidError`.
    """
    if retTypes is None:
        types: Sequence[Type] = candid.message_types(data)
    else:
        types = retTypes if isinstance(retTypes, list | tuple) else [retTypes]
    values = candid.decode(data, types)
    return [
        {"type": type_name(type_), "value": value_to(type_, value)}
        for type_, value in zip(types, values, strict=True)
    ]


def value_from(type_: Type, value: Any) -> Any:
    """Turn a value in ic-py's form into ours. Raises `CandidError` when it cannot be of that type."""
    known = resolve(type_)
    try:
        match known:
            case Opt(inner):
                return _opt_from(inner, value)
            case Vec(inner):
                # Numbers or bytes, ours are bytes.
                return bytes(value) if inner == candid.NAT8 else [value_from(inner, item) for item in value]
            case Record(fields) if known.is_tuple:
                parts = [value[label(f)] for f in fields] if isinstance(value, Mapping) else value
                return tuple(value_from(f.type, item) for f, item in zip(fields, parts, strict=True))
            case Record(fields):
                return {f.key: value_from(f.type, value[label(f)]) for f in fields if label(f) in value}
            case Variant(fields):
                return {f.key: value_from(f.type, value[label(f)]) for f in fields if label(f) in value}
    except (TypeError, ValueError, LookupError) as problem:
        if isinstance(problem, CandidError):
            raise
        raise CandidError(f"{type(value).__name__} does not fit: {problem}", expected=str(type_)) from None
    return value


def _opt_from(inner: Type, value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) > 1:
        raise CandidError("an opt is [] or [value]", expected=f"opt {inner}")
    if not value:
        return None
    found = value_from(inner, value[0])
    return candid.Some(found) if candid.nullable(inner) else found


def value_to(type_: Type, value: Any) -> Any:
    """Turn a value of ours into ic-py's form."""
    match resolve(type_):
        case Opt(inner):
            held = value.value if isinstance(value, candid.Some) else value
            return [] if value is None else [value_to(inner, held)]
        case Vec(inner) if inner != candid.NAT8:
            return [value_to(inner, item) for item in value]
        case Record(fields) if isinstance(value, tuple):
            return [value_to(f.type, item) for f, item in zip(fields, value, strict=True)]
        case Record(fields) | Variant(fields) if isinstance(value, dict):
            return {label(f): value_to(f.type, value[f.key]) for f in fields if f.key in value}
        case candid.PRINCIPAL:
            return Principal(value.raw)
    return value


def type_name(type_: Type, around: tuple[Type, ...] = ()) -> str:
    """ic-py's text for a type; a type inside itself (`around`) is `rec`."""
    known = resolve(type_)
    if any(outer is known for outer in around):
        return "rec"
    inside = (*around, known)
    match known:
        case Opt(inner):
            return f"opt ({type_name(inner, inside)})"
        case Vec(inner):
            return f"vec ({type_name(inner, inside)})"
        case Record(fields) | Variant(fields):
            kind = "record" if isinstance(known, Record) else "variant"
            return f"{kind} {{{';'.join(f'{label(f)}:{type_name(f.type, inside)}' for f in fields)}}}"
    return str(known)


def label(field: Field) -> str:
    """ic-py's key for a field: the name, or `_` and the number."""
    return field.name if field.name is not None else f"_{field.id}"
