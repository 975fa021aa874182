"""The blob store: bytes that clients upload once and name by their SHA-256 afterwards."""

from __future__ import annotations

import gzip
import hashlib
import threading
import zlib
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.units import MIB

MAX_BYTES: Final = 4096 * MIB
"""Bytes of all blobs together; the store lives as long as the server, and nothing deletes from it."""
MAX_UNPACKED: Final = 4096 * MIB
"""Bytes of one blob after decompression."""
_STEP: Final = MIB


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes as they were sent, and whether they are compressed by gzip."""

    content: bytes
    gzipped: bool

    def unpacked(self) -> bytes:
        """The bytes without compression. Raises `ApiError` for a damaged or too large one."""
        if not self.gzipped:
            return self.content
        stream = zlib.decompressobj(wbits=31)
        parts, size, rest = [], 0, self.content
        try:
            while not stream.eof:
                part = stream.decompress(rest, _STEP)
                rest = stream.unconsumed_tail
                if not part and not rest and not stream.eof:
                    raise ApiError("Decompression failed: the gzip stream is cut off")
                size += len(part)
                if size > MAX_UNPACKED:
                    raise ApiError(f"Decompression failed: more than {MAX_UNPACKED} bytes")
                parts.append(part)
        except (zlib.error, gzip.BadGzipFile) as problem:
            raise ApiError(f"Decompression failed: {problem}") from None
        return b"".join(parts)


class BlobStore:
    """All blobs of a server by the SHA-256 of the bytes as they were sent. Thread-safe."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, Blob] = {}
        self._size = 0
        self._lock = threading.Lock()

    def put(self, content: bytes, encoding: str | None) -> str:
        """Keep a blob and return its id in hexadecimal. Raises `ApiError`."""
        if encoding not in {None, "", "gzip"}:
            raise ApiError("Bad encoding: Only 'gzip' content encoding is supported")
        key = hashlib.sha256(content).digest()
        with self._lock:
            before = self._blobs.get(key)
            grown = self._size + len(content) - (len(before.content) if before else 0)
            if grown > MAX_BYTES:
                raise ApiError(f"The blob store holds at most {MAX_BYTES} bytes", 413)
            self._size = grown
            self._blobs[key] = Blob(content, encoding == "gzip")
        return key.hex()

    def get(self, key: bytes) -> Blob | None:
        """The blob with this id, None when there is none."""
        with self._lock:
            return self._blobs.get(key)
