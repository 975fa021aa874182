"""Decoding: from a message to Python values at the types that the caller expects."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final

from ic_harness.candid.header import read_header
from ic_harness.candid.readers import MAX_DEPTH
from ic_harness.candid.sizes import quota
from ic_harness.candid.types import Type
from ic_harness.errors import CandidError

_MAX_DECODERS: Final = 1_024
_LARGE: Final = 4_096
_MAX_HEADERS: Final = 8
"""Headers remembered for one tuple of expected types; a method's replies nearly always have the same one."""

_MALFORMED: Final = (CandidError, IndexError, struct.error, UnicodeDecodeError, RecursionError, OverflowError)


def decode(data: bytes | bytearray | memoryview, types: Sequence[Type] | None = None) -> tuple[Any, ...]:
    """Decode a message at the expected types (Candid specification, "Deserialisation").

    Missing trailing arguments of a type that has null become None, further arguments are skipped. Without
    types the message's own are taken (`message_types`): labels of fields are numbers then.
    Raises `CandidError` with offset, path and what was expected.
    """
    if not isinstance(data, bytes):
        # Large messages are read where they are: the copy would cost as much as all of decoding.
        data = bytes(data) if len(data) < _LARGE else memoryview(data).cast("B")
    if types is None:
        return Decoder(message_types(data))(data)
    return decoder(types)(data)


def message_types(data: bytes | memoryview) -> tuple[Type, ...]:
    """The types that a message says it has; names of fields are not part of a message.

    Raises `CandidError` when the message's head is malformed.
    """
    return read_header(data)[0]


class Decoder:
    """Decodes messages at one tuple of types; remembers how for the headers it has met."""

    def __init__(self, types: tuple[Type, ...]) -> None:
        self.types = types
        self._programs: list[tuple[bytes, _Program]] = []

    def __call__(self, data: bytes | memoryview) -> tuple[Any, ...]:
        """Decode one message. Raises `CandidError`."""
        for header, program in self._programs:
            if data[: len(header)] == header:
                return program.run(data, len(header))
        program, start = self._build(data)
        return program.run(data, start)

    def _build(self, data: bytes | memoryview) -> tuple[_Program, int]:
        try:
            wire, start = read_header(data)
            program = _Program(wire, self.types)
        except RecursionError:
            raise CandidError("the types of the message are nested too deeply") from None
        # A header is read from its own bytes only, so equal bytes at the start mean the same header.
        self._programs = [(bytes(data[:start]), program), *self._programs[: _MAX_HEADERS - 1]]
        return program, start


class _Program:
    """One generated decoder, and the way back from its traceback to a path."""

    def __init__(self, wire: tuple[Type, ...], expected: tuple[Type, ...]) -> None:
        from ic_harness.candid.decoder_source import generate  # noqa: PLC0415  # lazy: start-up time

        source = generate(wire, expected)
        self.text = source.text
        self._paths = source.paths
        self._names = source.names
        code = compile(source.text, "<generated Candid decoder>", "exec")
        exec(code, source.names)  # noqa: S102 - our own text; names from outside stand in it as literals only
        self._decode: Callable[[bytes | memoryview, int, int, list[Any]], tuple[Any, ...]] = source.names[
            "decode"
        ]

    def run(self, data: bytes | memoryview, start: int) -> tuple[Any, ...]:
        try:
            return self._decode(data, start, 0, [False, quota(len(data))])
        except _MALFORMED as error:
            raise self._explain(error, len(data)) from None

    def _explain(self, error: Exception, length: int) -> CandidError:
        path, offset = self._place(error.__traceback__)
        match error:
            case CandidError():
                found = error.offset if error.offset is not None else offset
                return CandidError(error.message, offset=found, path=path, expected=error.expected)
            case UnicodeDecodeError():
                return CandidError("a text is not UTF-8", offset=offset + error.start, path=path)
            case RecursionError():
                return CandidError(f"values are nested more than {MAX_DEPTH} levels deep", offset=offset)
        return CandidError("the message ends inside a value", offset=min(offset, length), path=path)

    def _place(self, traceback: TracebackType | None) -> tuple[str, int]:
        """The path of the value that was being read, and the position, from the frames of generated code."""
        path: list[str] = []
        offset = 0
        while traceback is not None:
            frame = traceback.tb_frame
            if frame.f_globals is self._names:
                path.append(self._paths[traceback.tb_lineno - 1].format_map(frame.f_locals))
                offset = frame.f_locals["p"]
            traceback = traceback.tb_next
        return "".join(path), offset


_decoders: dict[tuple[int, ...], Decoder] = {}


def decoder(types: Sequence[Type]) -> Decoder:
    """The decoder for these types; the same objects give the same decoder.

    Types are told apart by identity: comparing their structure would cost more than decoding.
    """
    key = tuple(map(id, types))
    found = _decoders.get(key)
    if found is None:
        if len(_decoders) >= _MAX_DECODERS:
            _decoders.clear()
        # The decoder holds its types, so that an identity in use is never given to another type.
        found = _decoders[key] = Decoder(tuple(types))
    return found
