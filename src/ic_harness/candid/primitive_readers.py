"""Readers of primitive values and references: check the bytes at a position and return a Python value.

A reader is called with the message, a position, the nesting depth and the state of the message. It returns the
value and the position behind it. Where Python raises by itself at the end of the data (`data[pos]`,
`unpack_from`), a reader does not test for it; the caller of the outermost reader turns those errors
(`MALFORMED`) into a `CandidError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import field
from typing import Any, Final, NoReturn

from ic_harness.candid.leb128 import read_length, read_signed, read_unsigned
from ic_harness.candid.references import FuncRef, ServiceRef
from ic_harness.candid.types import (
    BOOL,
    EMPTY,
    INT,
    NAT,
    NAT8,
    NULL,
    PRINCIPAL,
    RESERVED,
    STRUCT_CODES,
    TEXT,
    Prim,
)
from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import MAX_LENGTH, Principal

MAX_DEPTH: Final = 400
"""Most composite values inside each other; each takes a frame or two of Python's 1,000."""

MALFORMED: Final = (CandidError, IndexError, struct.error, RecursionError)
"""What readers raise on malformed or mismatching values."""


@dataclass(slots=True)
class State:
    """The state of decoding one message.

    `size` is the length of the message; `decode_text` decodes UTF-8 from a part of it. `quota` is the number of
    values without bytes that are left (`sizes.py`). `mismatch` is set where a value inside an option does not fit its
    expected type (`coercion.py`). `path` and `offset` are filled while an error propagates: the path's segments,
    innermost first, and the byte where the innermost value begins.
    """

    size: int
    quota: int
    decode_text: Callable[[Any], str]
    mismatch: bool = False
    path: list[str] = field(default_factory=list)
    offset: int | None = None

    def locate(self, segment: str, pos: int) -> None:
        """Record that an error passed through the value `segment`, which begins at byte `pos`."""
        self.path.append(segment)
        if self.offset is None:
            self.offset = pos

    def charge(self, cost: int, pos: int) -> None:
        """Take `cost` from the quota. Raises `CandidError` when the message's length does not justify it."""
        self.quota -= cost
        if self.quota < 0:
            fail(pos, "far more values than the message has bytes for")


Data = bytes | memoryview
Reader = Callable[[Data, int, int, State], tuple[Any, int]]
"""Reads a value: message, position, depth, state; returns the value and the position behind it."""


def fail(pos: int, message: str, expected: str | None = None) -> NoReturn:
    """Raise `CandidError` for byte `pos`; `decoding.py` adds the path."""
    raise CandidError(message, offset=pos, expected=expected)


def fail_short(pos: int) -> NoReturn:
    """Raise `CandidError`: the message ends inside the value at `pos`."""
    fail(pos, "the message ends inside a value")


def fail_tag(pos: int, tag: int) -> NoReturn:
    """Raise `CandidError`: the byte at `pos` is no tag of an option."""
    fail(pos, f"{tag} is no tag of an option", "00 or 01")


def fail_deep(pos: int) -> NoReturn:
    """Raise `CandidError`: the value at `pos` is nested deeper than `MAX_DEPTH`, or endlessly without bytes."""
    fail(pos, f"values are nested more than {MAX_DEPTH} levels deep")


def read_null(_data: Data, pos: int, _depth: int, _state: State) -> tuple[None, int]:
    """Read `null` or `reserved`, which take no bytes."""
    return None, pos


def read_empty(_data: Data, pos: int, _depth: int, _state: State) -> NoReturn:
    """Raise `CandidError`, since `empty` has no values."""
    fail(pos, "a value of the type empty, which has none")


def read_bool(data: Data, pos: int, _depth: int, _state: State) -> tuple[bool, int]:
    """Read `00` or `01`."""
    value = data[pos]
    if value > 1:
        fail(pos, f"{value} is no truth value", "00 or 01")
    return value == 1, pos + 1


def read_nat(data: Data, pos: int, _depth: int, _state: State) -> tuple[int, int]:
    """Read an unsigned number of any size."""
    value = data[pos]
    return (value, pos + 1) if value < 128 else read_unsigned(data, pos)


def read_int(data: Data, pos: int, _depth: int, _state: State) -> tuple[int, int]:
    """Read a signed number of any size."""
    return read_signed(data, pos)


def read_nat8(data: Data, pos: int, _depth: int, _state: State) -> tuple[int, int]:
    """Read one byte."""
    return data[pos], pos + 1


def read_text(data: Data, pos: int, _depth: int, _state: State) -> tuple[str, int]:
    """Read a length and so many bytes, which must be UTF-8."""
    length = data[pos]
    start = pos + 1
    if length > 127:
        length, start = read_length(data, pos)
    end = start + length
    if end > len(data):
        fail_short(start)
    try:
        return str(data[start:end], "utf-8"), end
    except UnicodeDecodeError as error:
        fail(start + error.start, "a text is not UTF-8")


def read_blob(data: Data, pos: int, _depth: int, _state: State) -> tuple[bytes, int]:
    """Read a `vec nat8`: a length and so many bytes."""
    length = data[pos]
    start = pos + 1
    if length > 127:
        length, start = read_length(data, pos)
    end = start + length
    if end > len(data):
        fail_short(start)
    return bytes(data[start:end]), end


def read_principal(data: Data, pos: int, _depth: int, _state: State) -> tuple[Principal, int]:
    """Read `01`, a length and the bytes."""
    if data[pos] != 1:
        what = "an opaque reference, which no message can carry" if data[pos] == 0 else "no reference"
        fail(pos, what, "01")
    length, start = read_length(data, pos + 1)
    if length > MAX_LENGTH:
        fail(pos, f"a principal of {length} bytes", f"at most {MAX_LENGTH} bytes")
    end = start + length
    if end > len(data):
        fail_short(pos)
    return Principal(bytes(data[start:end])), end


def read_service(data: Data, pos: int, depth: int, state: State) -> tuple[ServiceRef, int]:
    """Read a service reference: a principal."""
    principal, end = read_principal(data, pos, depth, state)
    return ServiceRef(principal), end


def read_func(data: Data, pos: int, depth: int, state: State) -> tuple[FuncRef, int]:
    """Read a function reference: `01`, a principal, and the method's name."""
    if data[pos] != 1:
        what = "an opaque reference, which no message can carry" if data[pos] == 0 else "no reference"
        fail(pos, what, "01")
    principal, name_at = read_principal(data, pos + 1, depth, state)
    method, end = read_text(data, name_at, depth, state)
    return FuncRef(principal, method), end


def _number_reader(prim: Prim) -> Reader:
    """The reader for a number of fixed size."""
    layout = struct.Struct(f"<{STRUCT_CODES[prim]}")
    size, unpack = layout.size, layout.unpack_from

    def read(data: Data, pos: int, _depth: int, _state: State) -> tuple[Any, int]:
        (value,) = unpack(data, pos)
        return value, pos + size

    return read


PRIMITIVE_READERS: Final[dict[Prim, Reader]] = {
    **{prim: _number_reader(prim) for prim in STRUCT_CODES},
    NULL: read_null, RESERVED: read_null, EMPTY: read_empty, BOOL: read_bool, NAT: read_nat, INT: read_int,
    NAT8: read_nat8, TEXT: read_text, PRINCIPAL: read_principal,
}  # fmt: skip


# Kinds of values, which the loops of `composite_readers.py` tell apart; up to `WIDEST` a kind is the size in bytes of a
# number of fixed size.
CALL: Final = 0
"""A value that only its reader can read."""
WIDEST: Final = 8
TEXT_KIND: Final = 16
BYTE: Final = 17
"""A value that is one byte if its byte is an index into the detail, a tuple of values."""
CASE: Final = 18
"""The case of a variant without payloads; the detail is the tuple of its cases' names."""
SKIP: Final = 19
"""A value that is not expected; the detail is its skipper."""

Step = tuple[int, Any]
"""A kind, and its detail: what reading it needs; for a number `unpack_from` of its struct."""

OTHER: Final[Step] = (CALL, None)


def _number_step(prim: Prim) -> Step:
    layout = struct.Struct(f"<{STRUCT_CODES[prim]}")
    return layout.size, layout.unpack_from


PRIMITIVE_STEPS: Final[dict[Reader, Step]] = {
    **{PRIMITIVE_READERS[prim]: _number_step(prim) for prim in STRUCT_CODES},
    read_text: (TEXT_KIND, None), read_nat: (BYTE, tuple(range(128))), read_bool: (BYTE, (False, True)),
}  # fmt: skip
"""The steps of readers whose values the loops can read themselves."""


def numbers_reader(prim: Prim) -> Reader:
    """The reader for a vector of numbers of a fixed size, which are unpacked at once."""
    code = STRUCT_CODES[prim]
    size = struct.calcsize(f"<{code}")

    def read(data: Data, pos: int, _depth: int, _state: State) -> tuple[list[Any], int]:
        count, start = read_length(data, pos)
        end = start + count * size
        if end > len(data):
            fail_short(start)
        return list(struct.unpack_from(f"<{count}{code}", data, start)), end

    return read
