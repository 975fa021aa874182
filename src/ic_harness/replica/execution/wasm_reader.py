"""A cursor over the bytes of a Wasm module: numbers, names, types, bounds, constant expressions."""

from __future__ import annotations

from collections.abc import Callable

from ic_harness.lazy_dataclass import dataclass

I32, I64, F32, F64, V128, FUNCREF, EXTERNREF = 0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F
VALUE_NAMES = {
    I32: "i32",
    I64: "i64",
    F32: "f32",
    F64: "f64",
    V128: "v128",
    FUNCREF: "funcref",
    EXTERNREF: "externref",
}
_VALUE_KINDS = bytes(VALUE_NAMES)


MAX_COUNT = 1_000_000
"""Most types, functions, imports or exports of a module: the engine's own limit. 100 MB of code that comes as a few
hundred kilobytes of gzip can announce a hundred million."""

MAX_VALUES = 1_000
"""Most parameters, and most results, of a function type: the engine's own limit."""


class WasmDecodeError(ValueError):
    """The bytes are no Wasm module of the features that canisters may use."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Size bounds of a memory (pages of 64 KiB) or table (elements); `is_64` = indexed by i64."""

    minimum: int
    maximum: int | None
    is_64: bool
    shared: bool = False


class Reader:
    """A cursor over bytes; every read past the end raises WasmDecodeError."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)

    @property
    def done(self) -> bool:
        """True at the end."""
        return self.position >= self.end

    def byte(self) -> int:
        """The next byte."""
        position = self.position
        if position >= self.end:
            raise WasmDecodeError(f"unexpected end at byte {position} of a section")
        self.position = position + 1
        return self.data[position]

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self.position
        if start + count > self.end:
            raise WasmDecodeError(f"unexpected end at byte {start} of a section")
        self.position = start + count
        return self.data[start : start + count]

    def number(self) -> int:
        """An unsigned LEB128 number of at most 64 bits."""
        position = self.position
        if position < self.end and (first := self.data[position]) < 0x80:  # nearly always
            self.position = position + 1
            return first
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise WasmDecodeError("a number is longer than 64 bits")

    def count(self, what: str, limit: int = MAX_COUNT) -> int:
        """How many things of at least one byte follow; raises WasmDecodeError for more than the engine takes."""
        found = self.number()
        if found > limit:
            raise WasmDecodeError(f"{what} count of {found} exceeds limit of {limit}")
        if found > self.end - self.position:
            raise WasmDecodeError(f"unexpected end: {found} {what} announced")
        return found

    def text(self) -> str:
        """A name: UTF-8 with its length in front."""
        raw = self.take(self.number())
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise WasmDecodeError("a name is not UTF-8") from None

    def limits(self) -> Limits:
        """The bounds of a memory or table."""
        flags = self.byte()
        if flags > 7:
            raise WasmDecodeError(f"unknown limits flag {flags}")
        minimum = self.number()
        maximum = self.number() if flags & 1 else None
        return Limits(minimum, maximum, is_64=bool(flags & 4), shared=bool(flags & 2))

    def value_types(self, count: int) -> bytes:
        """So many value types, or WasmDecodeError for one that canisters cannot use."""
        kinds = self.take(count)
        if unknown := kinds.translate(None, _VALUE_KINDS):
            raise WasmDecodeError(f"unknown value type 0x{unknown[0]:02x}")
        return kinds

    def value_type(self) -> int:
        """A value type, or WasmDecodeError for one that canisters cannot use."""
        return self.value_types(1)[0]

    def skip_constant(self) -> None:
        """A constant expression of one instruction (extended-const is off)."""
        opcode = self.byte()
        if opcode not in _CONSTANTS:
            raise WasmDecodeError(f"instruction 0x{opcode:02x} in a constant expression")
        _CONSTANTS[opcode](self)
        if self.byte() != 0x0B:
            raise WasmDecodeError("a constant expression has more than one instruction (extended-const)")


def _skip_v128(reader: Reader) -> None:
    if reader.number() != 12:
        raise WasmDecodeError("a vector instruction in a constant expression")
    reader.take(16)


def skip_signed(reader: Reader) -> None:
    """Pass over a signed LEB128 number of at most 64 bits (ten bytes)."""
    for _ in range(10):
        if reader.byte() < 0x80:
            return
    raise WasmDecodeError("a number is longer than 64 bits")


_CONSTANTS: dict[int, Callable[[Reader], object]] = {
    0x41: Reader.number,
    0x42: skip_signed,
    0x43: lambda reader: reader.take(4),
    0x44: lambda reader: reader.take(8),
    0x23: Reader.number,
    0xD0: Reader.number,
    0xD2: Reader.number,
    0xFD: _skip_v128,
}
