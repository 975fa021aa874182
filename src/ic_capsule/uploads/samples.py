"""Photographs for tests: a small real one from the package, and large ones generated from it.

The sample is a portrait of the astronaut Eileen Collins, taken by NASA and in the public domain.
"""

from __future__ import annotations

import io
import random
from functools import cache
from importlib.resources import files
from typing import Final

from PIL import Image

_BYTES_PER_PIXEL: Final = 1.05
"""Bytes of a pixel of the noisy tiles at quality 92, slightly above the measured value so that the file stays below."""
_SEGMENT: Final = 65_000
"""Padding of one JPEG comment segment, below the format's 65,533 bytes."""
_SMALLEST: Final = 100_000


@cache
def sample_photo() -> bytes:
    """A real JPEG of 512 x 512 pixels."""
    return files("ic_capsule.uploads").joinpath("sample.jpg").read_bytes()


def make_large_jpeg(size: int, seed: int = 0) -> bytes:
    """Generate a decodable JPEG of exactly `size` bytes, always the same for the same `size` and `seed`.

    The sample is tiled with fine noise, like a sensor's, and the rest is filled with comment segments.
    Raises `ValueError` below 100,000 bytes.
    """
    if size < _SMALLEST:
        raise ValueError(f"a large JPEG has at least {_SMALLEST} bytes, asked for {size}")
    pixels = size / _BYTES_PER_PIXEL
    while True:
        data = _encode(_noisy(int(pixels), seed))
        if len(data) + 4 <= size:
            return _padded(data, size)
        pixels *= 0.97 * size / len(data)


def _noisy(pixels: int, seed: int) -> Image.Image:
    """The sample, tiled to about `pixels` pixels in 4:3, with noise that depends on `seed`."""
    with Image.open(io.BytesIO(sample_photo())) as tile:
        tile.load()
    height = max(1, int((pixels * 3 / 4) ** 0.5))
    width = max(1, height * 4 // 3)
    canvas = Image.new("RGB", (width, height))
    for left in range(0, width, tile.width):
        for top in range(0, height, tile.height):
            canvas.paste(tile, (left, top))
    grain = random.Random(seed).randbytes(width * height)  # noqa: S311 - noise, no secret
    noise = Image.frombytes("L", (width, height), grain).convert("RGB")
    return Image.blend(canvas, noise, 0.15)


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


def _padded(data: bytes, size: int) -> bytes:
    """Insert comment segments behind the first marker until the file has `size` bytes."""
    missing, segments = size - len(data), []
    while missing:
        # a segment takes four bytes of its own, so never leave one to three bytes over
        take = missing if missing <= _SEGMENT + 4 else min(_SEGMENT + 4, missing - 4)
        segments.append(b"\xff\xfe" + (take - 2).to_bytes(2, "big") + bytes(take - 4))
        missing -= take
    return data[:2] + b"".join(segments) + data[2:]
