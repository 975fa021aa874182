"""How photos look, without a model: a perceptual hash, colours and edges, by Pillow alone.

    values 0-63     perceptual hash: the signs of the 63 lowest frequencies of a cosine transform of 32 x 32 grey
                    values and of their mean against 127, each +1/8 or -1/8
    values 64-111   colours: share of pixels by hue (8), saturation (3) and lightness (2)
    values 112-175  edges: strength by direction (4) in each of 4 x 4 cells

Each of the three parts has the length 1 and the weight 1/3, so the vector has the length 1 and the scalar product of
two vectors is their similarity: 1 for equal pictures. Two pictures are near-duplicates when few of the signs differ
(`search.py`): scaling, recompression and small changes of light leave them, another motif does not.
"""

from __future__ import annotations

import io
import math
import warnings
from array import array
from collections.abc import Sequence
from functools import cache
from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageStat

from ic_harness.errors import ImageError

HASH_BITS: Final = 64
_GRID: Final = 32
_LOW: Final = 8
_HUES, _SATURATIONS, _VALUES = 8, 3, 2
_CELLS: Final = 4
_PART: Final = math.sqrt(1 / 3)
_MOST_PIXELS: Final = 4 << 20
"""A thumbnail has at most 512 x 512; what has more is none."""

_EDGES: Final = (
    ((-1, -2, -1, 0, 0, 0, 1, 2, 1), "horizontal"),
    ((-1, 0, 1, -2, 0, 2, -1, 0, 1), "vertical"),
    ((-2, -1, 0, -1, 0, 1, 0, 1, 2), "falling"),
    ((0, 1, 2, -1, 0, 1, -2, -1, 0), "rising"),
)


class VisualEmbedder:
    """The embedder `visual`; see the module for what its values mean. Takes 3 to 5 ms a thumbnail."""

    name = "visual-1"
    dim = HASH_BITS + _HUES * _SATURATIONS * _VALUES + _CELLS * _CELLS * len(_EDGES)
    batch = 16

    def embed(self, images: Sequence[bytes]) -> list[bytes]:
        """Vectors of encoded thumbnails. Raises `ImageError` for one that cannot be decoded."""
        return [_packed(_vector(_decoded(image))) for image in images]


def visual() -> VisualEmbedder:
    """Make the embedder; the entry point `visual` names this function."""
    return VisualEmbedder()


def _decoded(image: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(image), formats=("WEBP", "JPEG", "PNG")) as opened:
                pixels = opened.width * opened.height
                if pixels <= _MOST_PIXELS:
                    return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise ImageError(f"not a thumbnail that can be decoded: {error}") from error
    raise ImageError(f"{pixels} pixels are too many for a thumbnail, expected at most {_MOST_PIXELS}")


def _vector(image: Image.Image) -> list[float]:
    grey = image.convert("L")
    return [*_hash(grey), *_unit(_colours(image)), *_unit(_edges(grey))]


def _hash(grey: Image.Image) -> list[float]:
    """Signs of low frequencies; the mean, which is none, is compared with middle grey."""
    size = _PART / math.sqrt(HASH_BITS)
    values = list(grey.resize((_GRID, _GRID), Image.Resampling.BOX).tobytes())
    rows = [values[at : at + _GRID] for at in range(0, len(values), _GRID)]
    waves = _waves()
    across = [[sum(map(_times, wave, row)) for wave in waves] for row in rows]
    columns = list(zip(*across, strict=True))
    found = [sum(map(_times, wave, column)) for wave in waves for column in columns]
    signs = [value > 0 for value in found]
    signs[0] = sum(values) > 127 * len(values)
    return [size if sign else -size for sign in signs]


def _times(left: float, right: float) -> float:
    return left * right


@cache
def _waves() -> list[list[float]]:
    """The lowest waves of the discrete cosine transform (type 2)."""
    step = math.pi / (2 * _GRID)
    return [[math.cos(step * (2 * at + 1) * wave) for at in range(_GRID)] for wave in range(_LOW)]


def _colours(image: Image.Image) -> list[float]:
    small = image.resize((64, 64), Image.Resampling.BOX).convert("HSV")
    counts = [0.0] * (_HUES * _SATURATIONS * _VALUES)
    pixels = small.tobytes()
    for at in range(0, len(pixels), 3):
        hue, saturation, value = (
            pixels[at] * _HUES >> 8,
            pixels[at + 1] * _SATURATIONS >> 8,
            pixels[at + 2] >> 7,
        )
        # A grey pixel has no hue, whatever its rounding says.
        hue = 0 if saturation == 0 else hue
        counts[(hue * _SATURATIONS + saturation) * _VALUES + value] += 1
    return [math.sqrt(count) for count in counts]


def _edges(grey: Image.Image) -> list[float]:
    small = grey.resize((64, 64), Image.Resampling.BOX)
    cell = 64 // _CELLS
    strengths = list[float]()
    for kernel, _ in _EDGES:
        # A filter keeps positive values only; with the kernel turned round it finds the others.
        one = small.filter(ImageFilter.Kernel((3, 3), kernel, scale=4))
        other = small.filter(ImageFilter.Kernel((3, 3), [-value for value in kernel], scale=4))
        both = ImageChops.lighter(one, other)
        strengths += [
            ImageStat.Stat(both.crop((left, top, left + cell, top + cell))).mean[0]
            for top in range(0, 64, cell)
            for left in range(0, 64, cell)
        ]
    # Noise of a smooth picture is no edge.
    return [max(0.0, strength - 1.0) for strength in strengths]


def _unit(values: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in values))
    if length == 0.0:
        return [_PART / math.sqrt(len(values))] * len(values)
    return [value * _PART / length for value in values]


def _packed(values: list[float]) -> bytes:
    packed = array("f", values)
    if array("H", [1]).tobytes() != b"\x01\x00":
        packed.byteswap()
    return packed.tobytes()
