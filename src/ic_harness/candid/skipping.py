"""Skippers: move behind a value that the caller does not expect, still checking that it is well formed.

A skipper takes the same arguments as a reader (`primitive_readers.py`) and returns the position behind the value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from ic_harness.candid.leb128 import read_length
from ic_harness.candid.primitive_readers import (
    MAX_DEPTH,
    PRIMITIVE_READERS,
    Data,
    Reader,
    State,
    fail,
    fail_deep,
    fail_short,
    fail_tag,
    read_func,
    read_service,
    read_text,
)
from ic_harness.candid.sizes import Sizes
from ic_harness.candid.types import (
    NULL,
    RESERVED,
    STRUCT_CODES,
    TEXT,
    Func,
    Future,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    resolve,
)
from ic_harness.errors import CandidError

MAX_READERS: Final = 50_000
"""Most readers and skippers for one pair of wire and expected types; real ones need some hundred."""

Skipper = Callable[[Data, int, int, State], int]
"""Skips a value: message, position, depth, state; returns the position behind it."""


class Skippers:
    """Makes the skippers for the wire types of one header; each type has one.

    A composite's skipper is registered before those of its parts are made: a recursive type finds its own.
    """

    def __init__(self) -> None:
        self.sizes = Sizes()
        self._skippers: dict[int, Skipper] = {}
        self._left = MAX_READERS

    def count(self) -> None:
        """Count one reader or skipper. Raises `CandidError` when a hostile type table needs too many."""
        self._left -= 1
        if self._left < 0:
            raise CandidError(f"the message's types need more than {MAX_READERS} readers")

    def skipper(self, wire: Type) -> Skipper:
        """Return the skipper for a wire type."""
        self.count()
        wire = resolve(wire)
        if isinstance(wire, Prim):
            return _PRIMITIVE_SKIPPERS[wire]
        if id(wire) not in self._skippers:
            self._make(wire)
        return self._skippers[id(wire)]

    def _make(self, wire: Type) -> None:
        match wire:
            case Record() if self.sizes.least_bytes(wire) == 0:
                self._skippers[id(wire)] = _skip_nothing
            case Record():
                self._record(wire)
            case Variant():
                self._variant(wire)
            case Opt():
                self._option(wire)
            case Vec(inner) if isinstance(element := resolve(inner), Prim) and element in STRUCT_CODES:
                self._skippers[id(wire)] = _numbers_skipper(self.sizes.least_bytes(element))
            case Vec():
                self._vector(wire)
            case Func():
                self._skippers[id(wire)] = _value_skipper(read_func)
            case ServiceType():
                self._skippers[id(wire)] = _value_skipper(read_service)
            case Future():
                self._skippers[id(wire)] = _skip_future

    def _record(self, wire: Record) -> None:
        cost = self.sizes.charge(wire)
        parts: list[tuple[int, bool, Skipper]] = []

        def skip(data: Data, pos: int, depth: int, state: State) -> int:
            if depth > MAX_DEPTH:
                fail_deep(pos)
            if cost:
                state.charge(cost, pos)
            depth += 1
            for width, optional, skip_field in parts:
                if width:
                    pos += width
                elif optional and data[pos] == 0:
                    pos += 1
                else:
                    pos = skip_field(data, pos, depth, state)
            return pos

        self._skippers[id(wire)] = skip
        for f in wire.fields:
            actual = resolve(f.type)
            width = (
                self.sizes.least_bytes(actual) if isinstance(actual, Prim) and actual in STRUCT_CODES else 0
            )
            parts.append((width, isinstance(actual, Opt), self.skipper(actual)))

    def _variant(self, wire: Variant) -> None:
        cases: list[Skipper] = []

        def skip(data: Data, pos: int, depth: int, state: State) -> int:
            if depth > MAX_DEPTH:
                fail_deep(pos)
            case, start = data[pos], pos + 1
            if case > 127:
                case, start = read_length(data, pos)
            if case >= len(cases):
                fail(pos, f"case {case} of a variant with {len(cases)} cases")
            return cases[case](data, start, depth + 1, state)

        self._skippers[id(wire)] = skip
        for f in wire.fields:
            cases.append(self.skipper(f.type))  # noqa: PERF401 - a comprehension would cost a frame a level

    def _option(self, wire: Opt) -> None:
        def skip(data: Data, pos: int, depth: int, state: State) -> int:
            if depth > MAX_DEPTH:
                fail_deep(pos)
            tag = data[pos]
            if tag == 0:
                return pos + 1
            if tag != 1:
                fail_tag(pos, tag)
            return skip_inner(data, pos + 1, depth + 1, state)

        self._skippers[id(wire)] = skip
        skip_inner = self.skipper(wire.inner)

    def _vector(self, wire: Vec) -> None:
        least, cost = self.sizes.least_bytes(wire.inner), self.sizes.charge(wire.inner)

        def skip(data: Data, pos: int, depth: int, state: State) -> int:
            if depth > MAX_DEPTH:
                fail_deep(pos)
            count, pos = data[pos], pos + 1
            if count > 127:
                count, pos = read_length(data, pos - 1)
            check_count(data, pos, count, least, cost, state)
            if least:
                for _ in range(count):
                    pos = skip_element(data, pos, depth + 1, state)
            return pos

        self._skippers[id(wire)] = skip
        skip_element = self.skipper(wire.inner)


def check_count(data: Data, pos: int, count: int, least: int, cost: int, state: State) -> None:
    """Refuse a vector's length that the message cannot hold, or that costs more than the quota.

    `least` are the fewest bytes of an element, `cost` what an element without bytes takes from the quota.
    """
    if least:
        if count * least > len(data) - pos:
            fail(pos, f"{count} elements announced, {len(data) - pos} bytes left")
        return
    state.charge(count * cost, pos)


def _skip_nothing(_data: Data, pos: int, _depth: int, _state: State) -> int:
    """Skip a value of a type whose values take no bytes."""
    return pos


def _skip_text(data: Data, pos: int, depth: int, state: State) -> int:
    """Skip a text, which must be UTF-8; only its reader raises errors."""
    length = data[pos]
    end = pos + 1 + length
    if length < 128 and end <= state.size:
        try:
            state.decode_text(data[pos + 1 : end])
        except UnicodeDecodeError:
            read_text(data, pos, depth, state)
        return end
    return read_text(data, pos, depth, state)[1]


def _value_skipper(read: Reader) -> Skipper:
    """Skip by reading: for values whose bytes must be checked."""

    def skip(data: Data, pos: int, depth: int, state: State) -> int:
        return read(data, pos, depth, state)[1]

    return skip


def _fixed_skipper(size: int) -> Skipper:
    """Skip so many bytes. That they are there is checked at the end of the message."""

    def skip(_data: Data, pos: int, _depth: int, _state: State) -> int:
        return pos + size

    return skip


def _numbers_skipper(size: int) -> Skipper:
    """Skip a vector of numbers of `size` bytes."""

    def skip(data: Data, pos: int, _depth: int, _state: State) -> int:
        count, start = read_length(data, pos)
        return _behind(data, start, count * size)

    return skip


def _skip_future(data: Data, pos: int, _depth: int, _state: State) -> int:
    """Skip a value of a future type: its size, the number of its references, its bytes."""
    size, pos = read_length(data, pos)
    _references, pos = read_length(data, pos)
    return _behind(data, pos, size)


def _behind(data: Data, start: int, length: int) -> int:
    """The position `length` bytes behind `start`. Raises `CandidError` when the message ends first."""
    end = start + length
    if end > len(data):
        fail_short(start)
    return end


_PRIMITIVE_SKIPPERS: Final[dict[Prim, Skipper]] = {
    **{prim: _value_skipper(read) for prim, read in PRIMITIVE_READERS.items()},
    **{prim: _fixed_skipper(struct.calcsize(f"<{code}")) for prim, code in STRUCT_CODES.items()},
    NULL: _skip_nothing, RESERVED: _skip_nothing, TEXT: _skip_text,
}  # fmt: skip
