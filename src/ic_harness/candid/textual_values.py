"""Converts textual values to Python values, at given types or at types guessed from the text."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from ic_harness.candid.decoding import decode
from ic_harness.candid.encoding import encode
from ic_harness.candid.references import FuncRef, ServiceRef, Some
from ic_harness.candid.token_cursor import Cursor, integer
from ic_harness.candid.type_parser import TypeParser
from ic_harness.candid.types import (
    BOOL,
    FLOAT32,
    FLOAT64,
    INT,
    NAT,
    NAT8,
    NULL,
    PRINCIPAL,
    RANGES,
    RESERVED,
    TEXT,
    Func,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    format_type,
    in_source_order,
    nullable,
    resolve,
)
from ic_harness.candid.value_parser import (
    AnnotatedNode,
    BlobNode,
    Literal,
    Node,
    OptNode,
    RecordNode,
    ReferenceNode,
    ValueParser,
    VariantNode,
    VecNode,
    is_null,
    text_of,
)
from ic_harness.errors import CandidError


def parse_values(text: str, types: Sequence[Type] | None = None) -> tuple[Any, ...]:
    """Parse textual values such as `(42 : nat8, vec { "a" })` at the given types.

    Fields that the types do not have are dropped; missing fields and arguments of nullable types are None.
    Without types numbers become int or float, and `opt` becomes `Some` only where None would be
    ambiguous. Raises `CandidError` with the offset in the text and the path of the value.
    """
    cursor = Cursor(text)
    parser = ValueParser(cursor, TypeParser(cursor, _unknown_name))
    try:
        nodes = parser.arguments()
        cursor.expect_end()
        if types is None:
            return tuple(_guess(node) for node in nodes)
        return tuple(_argument(nodes, index, type_) for index, type_ in enumerate(types))
    except RecursionError:
        raise CandidError("the text is nested too deeply", offset=cursor.here.offset) from None


def _unknown_name(name: str, offset: int) -> Type:
    raise CandidError(f"the type {name!r} is not defined", offset=offset)


def _argument(nodes: tuple[Node, ...], index: int, type_: Type) -> Any:
    path = f"args[{index}]"
    if index < len(nodes):
        return _at(nodes[index], type_, path)
    if nullable(type_):
        return None
    raise CandidError("an argument is missing", path=path, expected=format_type(type_))


def _at(node: Node, type_: Type, path: str) -> Any:  # noqa: PLR0911 - a return for each kind of type
    """Return the value of a node at a type."""
    actual = resolve(type_)
    if actual is RESERVED:
        return None
    if isinstance(node, AnnotatedNode):
        return _annotated(node, actual, path)
    if isinstance(actual, Opt):
        return _option(node, actual, path)
    match node, actual:
        case Literal(), Prim():
            return _literal(node, actual, path)
        case BlobNode(), Vec(inner) if resolve(inner) is NAT8:
            return node.data
        case VecNode(), Vec(inner):
            return _vector(node, inner, path)
        case RecordNode(), Record():
            return _record(node, actual, path)
        case VariantNode(), Variant():
            return _variant(node, actual, path)
        case ReferenceNode(), _:
            return _reference(node, actual, path)
    raise _wrong(node, actual, path)


def _wrong(node: Node, type_: Type, path: str) -> CandidError:
    return CandidError(f"found {_describe(node)}", offset=node.offset, path=path, expected=format_type(type_))


def _describe(node: Node) -> str:
    match node:
        case Literal(token=token):
            return f"the {token.kind} {token.text[:40]}" if token.kind != "name" else token.text
        case ReferenceNode(kind=kind):
            return f"a {kind}"
    return f"a {type(node).__name__.removesuffix('Node').lower()}"


def _annotated(node: AnnotatedNode, type_: Type, path: str) -> Any:
    """Convert an annotated value: it is coerced like a message of the annotated type."""
    value = _at(node.inner, node.type, path)
    try:
        return decode(encode([value], [node.type]), [type_])[0]
    except CandidError:
        raise CandidError(
            f"a value of the type {format_type(node.type)}",
            offset=node.offset, path=path, expected=format_type(type_),
        ) from None  # fmt: skip


def _option(node: Node, type_: Opt, path: str) -> Any:
    if is_null(node):
        return None
    # A value without `opt` is the value inside the option, as in a message.
    value = _at(node.inner if isinstance(node, OptNode) else node, type_.inner, path)
    return Some(value) if nullable(type_.inner) else value


def _vector(node: VecNode, inner: Type, path: str) -> Any:
    items = [_at(item, inner, f"{path}[{index}]") for index, item in enumerate(node.items)]
    return bytes(items) if resolve(inner) is NAT8 else items


def _record(node: RecordNode, type_: Record, path: str) -> Any:
    given = {field.id: field.value for field in node.fields}
    values: dict[str | int, Any] = {}
    for f in in_source_order(type_.fields):
        if f.id in given:
            values[f.key] = _at(given[f.id], f.type, f"{path}.{f.key}")
        elif nullable(f.type):
            values[f.key] = None
        else:
            raise CandidError(
                f"the field {f.key} is missing", offset=node.offset, path=path, expected=format_type(f.type)
            )
    return tuple(values[index] for index in range(len(values))) if type_.is_tuple else values


def _variant(node: VariantNode, type_: Variant, path: str) -> Any:
    for f in type_.fields:
        if f.id == node.field.id:
            return {f.key: _at(node.field.value, f.type, f"{path}.{f.key}")}
    raise _wrong(node, type_, path)


def _reference(node: ReferenceNode, type_: Type, path: str) -> Any:
    # As in messages, a service is a principal but a principal is not a service.
    if type_ is PRINCIPAL and node.kind != "func":
        return node.principal
    if isinstance(type_, ServiceType) and node.kind == "service":
        return ServiceRef(node.principal)
    if isinstance(type_, Func) and node.kind == "func":
        return FuncRef(node.principal, node.method or "")
    raise _wrong(node, type_, path)


# Literals


def _literal(node: Literal, prim: Prim, path: str) -> Any:
    read = _LITERALS.get(prim)
    value = read(node) if read is not None else None
    if value is None and prim is not NULL:
        raise _wrong(node, prim, path)
    if prim is NULL and not is_null(node):
        raise _wrong(node, prim, path)
    low, high = RANGES.get(prim, (None, None))
    if low is not None and high is not None and not low <= value <= high:
        raise CandidError(
            f"{node.token.text[:60]} does not fit",
            offset=node.offset,
            path=path,
            expected=f"{prim.name} ({low} to {high})",
        )
    return value


def _bool(node: Literal) -> bool | None:
    return {"true": True, "false": False}.get(node.token.text) if node.token.kind == "name" else None


def _text(node: Literal) -> str | None:
    return text_of(node) if node.token.kind == "text" else None


def _int(node: Literal) -> int | None:
    return integer(node.token) if node.token.kind == "number" else None


def _nat(node: Literal) -> int | None:
    value = _int(node)
    return None if value is None or value < 0 else value


def _float(node: Literal) -> float | None:
    if node.token.text == "nan" and node.token.kind == "name":
        return math.nan
    if node.token.kind != "number":
        return None
    digits = node.token.text.replace("_", "")
    try:
        return float.fromhex(digits) if "x" in digits.lower() else float(digits)
    except OverflowError:
        return -math.inf if digits.startswith("-") else math.inf


def _float32(node: Literal) -> float | None:
    value = _float(node)
    if value is None or math.isinf(value):
        return value
    try:
        single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return single


_LITERALS: Final[dict[Prim, Callable[[Literal], Any]]] = {
    BOOL: _bool, TEXT: _text, NAT: _nat, INT: _int, FLOAT64: _float, FLOAT32: _float32,
    **dict.fromkeys(RANGES, _int),
}  # fmt: skip


# Values without types


def _guess(node: Node) -> Any:  # noqa: PLR0911 - a return for each kind of type
    """Return the most likely value of a node whose type is not known."""
    match node:
        case AnnotatedNode():
            return _at(node.inner, node.type, "")
        case Literal():
            return _guess_literal(node)
        case BlobNode():
            return node.data
        case OptNode():
            inner = _guess(node.inner)
            return Some(inner) if inner is None or isinstance(inner, Some) else inner
        case VecNode():
            return [_guess(item) for item in node.items]
        case RecordNode():
            return _guess_record(node)
        case VariantNode():
            return {node.field.id if node.field.name is None else node.field.name: _guess(node.field.value)}
        case ReferenceNode():
            types: dict[str, Type] = {
                "principal": PRINCIPAL,
                "service": ServiceType(()),
                "func": Func((), ()),
            }
            return _reference(node, types[node.kind], "")
    raise AssertionError(node)


def _guess_literal(node: Literal) -> Any:
    if node.token.kind == "number":
        text = node.token.text.lower()
        is_float = "." in text or "p" in text or ("e" in text and "x" not in text)
        return _float(node) if is_float else _int(node)
    if node.token.kind == "text":
        return text_of(node)
    return math.nan if node.token.text == "nan" else _bool(node)


def _guess_record(node: RecordNode) -> Any:
    if node.fields and all(f.name is None and f.id == index for index, f in enumerate(node.fields)):
        return tuple(_guess(f.value) for f in node.fields)
    return {f.id if f.name is None else f.name: _guess(f.value) for f in node.fields}
