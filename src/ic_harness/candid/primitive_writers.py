"""Writers of primitive values and references: check a Python value and append its bytes; LEB128 numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from ic_harness.candid.leb128 import SHORT
from ic_harness.candid.references import FuncRef, ServiceRef
from ic_harness.candid.types import (
    BOOL,
    EMPTY,
    FLOAT32,
    FLOAT64,
    INT,
    NAT,
    NULL,
    PRINCIPAL,
    RANGES,
    RESERVED,
    STRUCT_CODES,
    TEXT,
    Prim,
)
from ic_harness.errors import CandidError, PrincipalError
from ic_harness.principal import Principal
from ic_harness.text import brief

Parts = list[bytes | bytearray | memoryview]
Writer = Callable[[Any, Parts], None]
"""Appends the bytes of a value; raises `CandidError` when it does not fit."""


def wrong(value: Any, expected: str) -> CandidError:
    """Return the error for a value that does not fit its type; long values are shortened."""
    return CandidError(f"{type(value).__name__} {brief(value)} does not fit", expected=expected)


# LEB128 (Candid specification, "Notation")


def encode_unsigned(value: int) -> bytes:
    """Return the shortest unsigned LEB128 form of a number that is not negative."""
    if value < 128:
        return value.to_bytes(1, "little")
    groups = (value.bit_length() + 6) // 7
    return _groups(value, groups)


def encode_signed(value: int) -> bytes:
    """Return the shortest signed LEB128 form of any number."""
    bits = (value if value >= 0 else ~value).bit_length() + 1
    groups = (bits + 6) // 7
    return _groups(value & ((1 << (7 * groups)) - 1), groups)


def _groups(value: int, groups: int) -> bytes:
    """Split a number into `groups` bytes of seven bits, with the high bit set in all but the last."""
    if groups <= SHORT:
        out = bytearray((value >> shift) & 127 | 128 for shift in range(0, 7 * groups, 7))
    else:
        packed = value.to_bytes(-(-7 * groups // 8) + 7, "little")
        out = bytearray()
        for start in range(0, len(packed) - 6, 7):
            block = int.from_bytes(packed[start : start + 7], "little")
            out += bytes((block >> shift) & 127 | 128 for shift in range(0, 56, 7))
        del out[groups:]
    out[-1] &= 127
    return bytes(out)


# Primitive values


def _write_null(value: Any, _parts: Parts) -> None:
    if value is not None:
        raise wrong(value, "null (None)")


def _write_reserved(_value: Any, _parts: Parts) -> None:
    """Append nothing: every value is a value of `reserved`, which takes no bytes."""


def _write_empty(value: Any, _parts: Parts) -> None:
    raise wrong(value, "nothing: the type empty has no values")


def _write_bool(value: Any, parts: Parts) -> None:
    if value is True:
        parts.append(b"\x01")
    elif value is False:
        parts.append(b"\x00")
    else:
        raise wrong(value, "bool")


def _write_nat(value: Any, parts: Parts) -> None:
    if not isinstance(value, int) or value is True or value is False or value < 0:
        raise wrong(value, "nat (an int of at least 0)")
    parts.append(encode_unsigned(value))


def _write_int(value: Any, parts: Parts) -> None:
    if not isinstance(value, int) or value is True or value is False:
        raise wrong(value, "int")
    parts.append(encode_signed(value))


def _write_text(value: Any, parts: Parts) -> None:
    if not isinstance(value, str):
        raise wrong(value, "text (a str)")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise wrong(value, "text without surrogates") from None
    parts.append(encode_unsigned(len(data)))
    parts.append(data)


def _write_principal(value: Any, parts: Parts) -> None:
    raw = _principal(value).raw
    parts.append(b"\x01" + encode_unsigned(len(raw)) + raw)


def _principal(value: Any) -> Principal:
    if isinstance(value, Principal):
        return value
    try:
        return Principal.of(value.principal if isinstance(value, ServiceRef) else value)
    except PrincipalError as error:
        raise CandidError(str(error), expected="principal") from None


def write_blob(value: Any, parts: Parts) -> None:
    """Append a `vec nat8`: a bytes-like object as it is, or a list of numbers from 0 to 255."""
    if isinstance(value, list | tuple):
        try:
            value = bytes(value)
        except (TypeError, ValueError):
            raise wrong(value, "blob: bytes, or numbers from 0 to 255") from None
    if isinstance(value, memoryview):
        value = value.cast("B") if value.contiguous else bytes(value)
    elif not isinstance(value, bytes | bytearray):
        raise wrong(value, "blob (bytes)")
    parts.append(encode_unsigned(len(value)))
    parts.append(value)


def _integer_writer(prim: Prim) -> Writer:
    low, high = RANGES[prim]
    pack = struct.Struct(f"<{STRUCT_CODES[prim]}").pack

    def write(value: Any, parts: Parts) -> None:
        if not isinstance(value, int) or value is True or value is False or not low <= value <= high:
            raise wrong(value, f"{prim.name} ({low} to {high})")
        parts.append(pack(value))

    return write


def _float_writer(prim: Prim) -> Writer:
    pack = struct.Struct(f"<{STRUCT_CODES[prim]}").pack

    def write(value: Any, parts: Parts) -> None:
        if not isinstance(value, float | int) or value is True or value is False:
            raise wrong(value, prim.name)
        try:
            parts.append(pack(value))
        except (OverflowError, struct.error):
            raise wrong(value, f"{prim.name} (too large for it)") from None

    return write


_SIMPLE_WRITERS: Final[dict[Prim, Writer]] = {
    NULL: _write_null, RESERVED: _write_reserved, EMPTY: _write_empty, BOOL: _write_bool, NAT: _write_nat,
    INT: _write_int, TEXT: _write_text, PRINCIPAL: _write_principal,
}  # fmt: skip


def primitive_writer(prim: Prim) -> Writer:
    """Return the writer for a primitive type."""
    if prim in (FLOAT32, FLOAT64):
        return _float_writer(prim)
    return _SIMPLE_WRITERS.get(prim) or _integer_writer(prim)


# References


def write_service(value: Any, parts: Parts) -> None:
    """Append a service reference: a `ServiceRef` or a principal."""
    _write_principal(value.principal if isinstance(value, ServiceRef) else value, parts)


def write_func(value: Any, parts: Parts) -> None:
    """Append a function reference: a `FuncRef`, or a pair of principal and method."""
    if isinstance(value, tuple) and len(value) == 2:
        value = FuncRef(_principal(value[0]), value[1])
    if not isinstance(value, FuncRef):
        raise wrong(value, "func (a FuncRef)")
    parts.append(b"\x01")
    _write_principal(value.principal, parts)
    _write_text(value.method, parts)
