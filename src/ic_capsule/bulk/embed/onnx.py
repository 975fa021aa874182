"""The embedder `onnx`: an image encoder in an ONNX file that the user has, run by ONNX Runtime.

    pip install 'ic-harness[onnx]'
    ic-harness bulk run --embedder onnx --weights clip-vision.onnx

The model's first input takes pictures as float32 of the shape (batch, 3, height, width); its last or only output of
two dimensions is the vector. Batch may be free or 1. How values are scaled differs between models: beside
`MODEL.onnx` may be a `MODEL.json` with `mean` and `std` (three numbers each, of values from 0 to 1), `size` (pixels,
where the model leaves it free) and `name`. Without it CLIP's values are used. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import warnings
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from ic_harness.errors import ImageError, InputError
from ic_harness.text import parse_json, readable

_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_STD: Final = (0.26862954, 0.26130258, 0.27577711)
_SIZE: Final = 224
_LARGEST_SIZE: Final = 1_024
_BATCH: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How a picture becomes the model's input: square of `size` pixels, (value - mean) / std per colour."""

    size: int = _SIZE
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD
    name: str = ""


class OnnxEmbedder:
    """An image encoder; raises `InputError` for a file that is none."""

    def __init__(self, weights: Path) -> None:
        runtime, self._numpy = _libraries()
        self._session = _session(runtime, weights)
        told = self._session.get_inputs()[0]
        if told.type != "tensor(float)" or len(told.shape) != 4 or told.shape[1] not in (3, "3"):
            raise InputError(
                f"{readable(weights)} takes {told.type} of the shape {told.shape}, expected float (batch, 3, h, w)"
            )
        fixed = told.shape[2] if isinstance(told.shape[2], int) else None
        self._input = told.name
        self._how = _preparation(weights, fixed)
        self.batch = 1 if told.shape[0] == 1 else _BATCH
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]
        self.name = f"onnx-{self._how.name or weights.stem}-{digest}"
        self._output, self.dim = self._tried()

    def embed(self, images: Sequence[bytes]) -> list[bytes]:
        """Vectors of length 1. Raises `ImageError` for a picture that cannot be decoded."""
        found = list[bytes]()
        for at in range(0, len(images), self.batch):
            pictures = [_decoded(image) for image in images[at : at + self.batch]]
            found.extend(_unit(row) for row in self._run(pictures, [self._output])[0])
        return found

    def _tried(self) -> tuple[str, int]:
        """The output that is the vector, and its length: found by running the model once."""
        names = [output.name for output in self._session.get_outputs()]
        answers = self._run([Image.new("RGB", (self._how.size, self._how.size))], names)
        fitting = [(name, answer) for name, answer in zip(names, answers, strict=True) if answer.ndim == 2]
        if not fitting:
            shapes = [tuple(answer.shape) for answer in answers]
            raise InputError(f"the model answers with the shapes {shapes}, expected one of (batch, values)")
        name, answer = fitting[-1]
        return name, int(answer.shape[1])

    def _run(self, pictures: list[Image.Image], names: list[str]) -> list[Any]:
        np, how = self._numpy, self._how
        rows = [np.asarray(_square(picture, how.size), dtype=np.float32) / 255.0 for picture in pictures]
        stack = (np.stack(rows) - np.float32(how.mean)) / np.float32(how.std)
        ready = np.ascontiguousarray(stack.transpose(0, 3, 1, 2), dtype=np.float32)
        return list(self._session.run(names, {self._input: ready}))


def onnx(weights: str | os.PathLike[str] | None = None) -> OnnxEmbedder:
    """Make the embedder of a file; the entry point `onnx` names this function. Raises `InputError` without one."""
    if weights is None:
        raise InputError("the embedder onnx needs a model: --weights MODEL.onnx")
    return OnnxEmbedder(Path(weights))


def _libraries() -> tuple[Any, Any]:
    try:
        import numpy as np  # lazy: an extra  # noqa: PLC0415
        import onnxruntime  # lazy: an extra  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(f"the embedder onnx needs {error.name}: pip install 'ic-harness[onnx]'") from error
    return onnxruntime, np


def _session(runtime: Any, weights: Path) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # its log goes to standard error, past the progress that is shown there
    try:
        return runtime.InferenceSession(os.fspath(weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The runtime has exceptions of its own for each kind of failure, with no class in common.
        raise InputError(f"{readable(weights)} is no model that ONNX Runtime can load: {error}") from error


def _preparation(weights: Path, fixed: int | None) -> Preparation:
    beside = weights.with_suffix(".json")
    if not beside.exists():
        return Preparation(size=fixed or _SIZE)
    try:
        told = parse_json(beside.read_text(encoding="utf-8"))
        mean, std = (tuple(float(value) for value in told.get(key, usual)) for key, usual in
                     (("mean", _MEAN), ("std", _STD)))  # fmt: skip
        size, name = fixed or int(told.get("size", _SIZE)), str(told.get("name", ""))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{readable(beside)} does not say how pictures are prepared: {error}") from error
    fits = len(mean) == len(std) == 3 and all(value > 0 for value in std) and 1 <= size <= _LARGEST_SIZE
    if not fits or not all(map(math.isfinite, (*mean, *std))):
        raise InputError(
            f"{readable(beside)}: expected three numbers as mean and std, and a size up to {_LARGEST_SIZE}"
        )
    return Preparation(size=size, mean=mean, std=std, name=name)


def _decoded(image: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(image), formats=("WEBP", "JPEG", "PNG")) as opened:
                return opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise ImageError(f"not a thumbnail that can be decoded: {error}") from error


def _square(picture: Image.Image, size: int) -> Image.Image:
    """The middle of a picture, as encoders were trained with."""
    scale = size / min(picture.size)
    wide = tuple(max(size, round(length * scale)) for length in picture.size)
    scaled = picture.resize((wide[0], wide[1]), Image.Resampling.BICUBIC)
    left, top = (scaled.width - size) // 2, (scaled.height - size) // 2
    return scaled.crop((left, top, left + size, top + size))


def _unit(row: Any) -> bytes:
    values = [float(value) for value in row]
    length = math.sqrt(sum(value * value for value in values))
    if not math.isfinite(length) or length == 0:
        raise ImageError("the model gives no vector for this picture: zeros, or no numbers")
    packed = array("f", (value / length for value in values))
    if array("H", [1]).tobytes() != b"\x01\x00":
        packed.byteswap()
    return packed.tobytes()
