"""Decodes a message to Python values at the types that the caller expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ic_harness.candid.coercion import arguments_reader
from ic_harness.candid.header_reader import read_header
from ic_harness.candid.primitive_readers import MALFORMED, MAX_DEPTH, Reader, State
from ic_harness.candid.types import Type
from ic_harness.errors import CandidError

_MAX_DECODERS: Final = 1_024
_LARGE: Final = 4_096
_MAX_HEADERS: Final = 8
"""Headers cached for one tuple of expected types; a method's replies nearly always have the same header."""


def decode(data: bytes | bytearray | memoryview, types: Sequence[Type] | None = None) -> tuple[Any, ...]:
    """Decode a message at the expected types (Candid specification, "Deserialisation").

    Missing trailing arguments of nullable types become None; extra arguments are skipped. Without `types` the
    types of the message are used (`message_types`); field labels are numbers then.
    Raises `CandidError` with byte offset, path and the expected type.
    """
    if not isinstance(data, bytes):
        # Large messages are read in place: a copy would cost as much as decoding.
        data = bytes(data) if len(data) < _LARGE else memoryview(data).cast("B")
    if types is None:
        return Decoder(message_types(data))(data)
    return decoder(types)(data)


def message_types(data: bytes | memoryview) -> tuple[Type, ...]:
    """Return the argument types in a message's header; field names are not part of a message.

    Raises `CandidError` when the header is malformed.
    """
    return read_header(data)[0]


class Decoder:
    """Decodes messages at one tuple of types; keeps the readers for the headers that it has met."""

    def __init__(self, types: tuple[Type, ...]) -> None:
        self.types = types
        self._readers: list[tuple[bytes, Reader]] = []

    def __call__(self, data: bytes | memoryview) -> tuple[Any, ...]:
        """Decode one message. Raises `CandidError`."""
        for header, read in self._readers:
            if data[: len(header)] == header:
                return _run(read, data, len(header))
        read, start = self._build(data)
        return _run(read, data, start)

    def _build(self, data: bytes | memoryview) -> tuple[Reader, int]:
        """Make the reader for a new header, and return the position behind the header."""
        try:
            wire, start = read_header(data)
            read = arguments_reader(wire, self.types)
        except RecursionError:
            raise CandidError("the types of the message are nested too deeply") from None
        # A header depends on its own bytes only, so equal bytes at the start mean the same header.
        self._readers = [(bytes(data[:start]), read), *self._readers[: _MAX_HEADERS - 1]]
        return read, start


def quota(length: int) -> int:
    """Return how many values without bytes a message of `length` bytes may contain; see `sizes`."""
    return 32_768 + 4 * length


def _decode_view(text: memoryview) -> str:
    """Decode UTF-8 of a message that is read in place."""
    return str(text, "utf-8")


def _run(read: Reader, data: bytes | memoryview, start: int) -> tuple[Any, ...]:
    """Read the values behind the header, and turn every error into one `CandidError` with path and offset."""
    state = State(len(data), quota(len(data)), bytes.decode if isinstance(data, bytes) else _decode_view)
    try:
        values: tuple[Any, ...]
        values, end = read(data, start, 0, state)
    except MALFORMED as error:
        raise _explain(error, state, len(data)) from None
    if end < len(data):
        raise CandidError(f"{len(data) - end} bytes are left over behind the last value", offset=end)
    if end > len(data):
        raise CandidError("the message ends inside a value", offset=len(data))
    return values


def _explain(error: Exception, state: State, length: int) -> CandidError:
    """The error of a reader with the path and the offset that were recorded while it propagated."""
    path = "".join(reversed(state.path))
    if isinstance(error, CandidError):
        return CandidError(error.message, offset=error.offset, path=path, expected=error.expected)
    if isinstance(error, RecursionError):
        return CandidError(f"values are nested more than {MAX_DEPTH} levels deep", offset=state.offset)
    offset = length if state.offset is None else min(state.offset, length)
    return CandidError("the message ends inside a value", offset=offset, path=path)


_decoders: dict[tuple[int, ...], Decoder] = {}


def decoder(types: Sequence[Type]) -> Decoder:
    """Return the decoder for these types, from a cache.

    Types are compared by identity: comparing their structure would cost more than decoding.
    """
    key = tuple(map(id, types))
    found = _decoders.get(key)
    if found is None:
        if len(_decoders) >= _MAX_DECODERS:
            _decoders.clear()
        # The decoder keeps its types alive, so that no other type can get the same `id`.
        found = _decoders[key] = Decoder(tuple(types))
    return found
