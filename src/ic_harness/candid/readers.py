"""What generated decoders call: reading references, and the sentences for messages that are wrong."""

from __future__ import annotations

from struct import Struct, unpack_from
from typing import Any, Final, NoReturn

from ic_harness.candid import leb128
from ic_harness.candid.references import FuncRef, ServiceRef, Some
from ic_harness.candid.types import STRUCT_CODES
from ic_harness.errors import CandidError
from ic_harness.principal import MAX_LENGTH, Principal

MAX_DEPTH: Final = 400
"""How deep values may be nested; below Python's own limit, with room for the caller's frames."""


def fail(pos: int, message: str, expected: str | None = None) -> NoReturn:
    """Raise `CandidError` for byte `pos`; the path is added where the error leaves the decoder."""
    raise CandidError(message, offset=pos, expected=expected)


def fail_short(pos: int) -> NoReturn:
    """The message ends inside a value."""
    raise CandidError("the message ends inside a value", offset=pos)


def fail_deep(pos: int) -> NoReturn:
    """The value is nested deeper than `MAX_DEPTH`, or endlessly without using a byte."""
    raise CandidError(f"values are nested more than {MAX_DEPTH} levels deep", offset=pos)


def fail_bomb(pos: int) -> NoReturn:
    """Values without bytes are more than the message's length justifies."""
    raise CandidError("far more values than the message has bytes for", offset=pos)


def read_principal(data: bytes | memoryview, pos: int) -> tuple[Principal, int]:
    """Read `01`, a length and the bytes."""
    start = pos
    if data[pos] != 1:
        fail(
            pos, "an opaque reference, which no message can carry" if data[pos] == 0 else "no reference", "01"
        )
    length, pos = leb128.read_length(data, pos + 1)
    if length > MAX_LENGTH:
        fail(start, f"a principal of {length} bytes", f"at most {MAX_LENGTH} bytes")
    end = pos + length
    if end > len(data):
        fail_short(start)
    return Principal(bytes(data[pos:end])), end


def read_service(data: bytes | memoryview, pos: int) -> tuple[ServiceRef, int]:
    """Read a service reference: a principal."""
    principal, pos = read_principal(data, pos)
    return ServiceRef(principal), pos


def read_func(data: bytes | memoryview, pos: int) -> tuple[FuncRef, int]:
    """Read a function reference: `01`, a principal, and the method's name."""
    if data[pos] != 1:
        fail(
            pos, "an opaque reference, which no message can carry" if data[pos] == 0 else "no reference", "01"
        )
    principal, pos = read_principal(data, pos + 1)
    length, pos = leb128.read_length(data, pos)
    end = pos + length
    if end > len(data):
        fail_short(pos)
    return FuncRef(principal, str(data[pos:end], "utf-8")), end


def generated_names() -> dict[str, Any]:
    """The globals of a generated decoder."""
    unpackers = {f"unpack_{prim.name}": Struct(f"<{code}").unpack_from for prim, code in STRUCT_CODES.items()}
    return {
        **unpackers,
        "Some": Some,
        "fail": fail,
        "fail_bomb": fail_bomb,
        "fail_deep": fail_deep,
        "fail_short": fail_short,
        "leb": leb128.read_unsigned,
        "leb_length": leb128.read_length,
        "read_func": read_func,
        "read_principal": read_principal,
        "read_service": read_service,
        "sleb": leb128.read_signed,
        "unpack_from": unpack_from,
    }
