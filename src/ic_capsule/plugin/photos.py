"""Photos for tests: real JPEGs of any size, and PNGs with alpha."""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from pathlib import Path
from typing import Final, Literal

from ic_capsule.uploads import make_large_jpeg, sample_photo

Kind = Literal["jpeg", "png"]

_SMALL: Final = 150_000
"""Bytes of a JPEG that only has to be another one than the sample."""

_PNG_BYTES: Final = 100_000
_PIXEL: Final = 4
_RGBA: Final = 6
"""Colour type of PNG (specification, "IHDR"): red, green, blue and alpha."""


class Photos:
    """Makes photos in a folder of the test: `photo()`, `photo(size=3_600_000)`, `photo(kind="png")`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def __call__(self, *, size: int | None = None, kind: Kind = "jpeg", seed: int = 0) -> Path:
        """Write a photo and return its path.

        A JPEG has exactly `size` bytes (at least 100,000), a PNG about as many; without it they are small.
        Photos of the same size, kind and seed are the same.
        """
        content = _png(size or _PNG_BYTES, seed) if kind == "png" else _jpeg(size, seed)
        path = self._folder / f"photo-{next(self._numbers)}.{'jpg' if kind == 'jpeg' else kind}"
        path.write_bytes(content)
        return path


def _jpeg(size: int | None, seed: int) -> bytes:
    if size is None and seed == 0:
        return sample_photo()
    return make_large_jpeg(size or _SMALL, seed)


def _png(size: int, seed: int) -> bytes:
    """Noise with alpha, which does not compress: a square of about `size` bytes."""
    edge = max(1, int((size / _PIXEL) ** 0.5))
    source = random.Random(seed)  # noqa: S311 - noise, no secret
    rows = b"".join(b"\0" + source.randbytes(edge * _PIXEL) for _ in range(edge))
    header = struct.pack(">IIBBBBB", edge, edge, 8, _RGBA, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
