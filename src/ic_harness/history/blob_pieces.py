"""Contents of byte strings that occur more than once, such as the Wasm module within the argument of `install_code`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ic_harness.errors import InputError

_LEAST: Final = 4096
"""Bytes from which on a content is kept by its hash."""
_MAGIC: Final = (b"\0asm\x01\0\0\0", b"\x1f\x8b\x08")
_LONGEST_LENGTH: Final = 5
"""Bytes of the LEB128 number before a blob that says how long it is."""
_PIECES: Final = "pieces"


def split(plain: Any, blobs: dict[bytes, bytes]) -> Any:
    """Replace long byte strings within lists by maps of pieces, and put the contents into `blobs` by their SHA-256."""
    if isinstance(plain, list):
        return [split(item, blobs) for item in plain]
    if not isinstance(plain, bytes) or len(plain) < _LEAST:
        return plain
    start, end = module_within(plain, _LEAST) or (0, len(plain))
    pieces: list[Any] = [plain[:start], [_keep(plain[start:end], blobs)], plain[end:]]
    return {_PIECES: [piece for piece in pieces if piece]}


def _keep(content: bytes, blobs: dict[bytes, bytes]) -> bytes:
    digest = hashlib.sha256(content).digest()
    blobs.setdefault(digest, content)
    return digest


def module_within(data: bytes, least: int = 8) -> tuple[int, int] | None:
    """Return where a Wasm module of at least so many bytes within Candid data begins and ends; None without one."""
    for magic in _MAGIC:
        start = data.find(magic)
        # The last bytes of a longer number are a number, too: the longest one that fits is the length.
        for width in range(min(_LONGEST_LENGTH, start), 0, -1):
            length = _leb128(data[start - width : start])
            if length is not None and least <= length <= len(data) - start:
                return start, start + length
    return None


def _leb128(data: bytes) -> int | None:
    """Decode a LEB128 number that takes all of `data`; None when it does not."""
    if data[-1] & 0x80 or any(not byte & 0x80 for byte in data[:-1]):
        return None
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data))


def joined(plain: Any, blobs: Mapping[bytes, bytes], most: int) -> Any:
    """Undo `split`. Raises `InputError` when a content is missing, or for more than `most` bytes in all."""
    return _Joining(blobs, most).value(plain)


class _Joining:
    def __init__(self, blobs: Mapping[bytes, bytes], most: int) -> None:
        self._blobs = blobs
        self._left = most

    def value(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return [self.value(item) for item in plain]
        if isinstance(plain, dict):
            pieces = plain.get(_PIECES)
            if not isinstance(pieces, list) or len(plain) != 1:
                raise InputError("the content has a map that is no list of pieces")
            return b"".join(map(self._piece, pieces))
        return plain

    def _piece(self, piece: Any) -> bytes:
        if isinstance(piece, list) and len(piece) == 1 and isinstance(piece[0], bytes):
            content = self._blobs.get(piece[0])
            if content is None:
                raise InputError(f"the content with SHA-256 {piece[0].hex()[:16]}… is missing")
            piece = content
        if not isinstance(piece, bytes):
            raise InputError("the content has a piece that is neither bytes nor a hash")
        self._left -= len(piece)
        if self._left < 0:
            raise InputError("the contents are too large together")
        return piece
