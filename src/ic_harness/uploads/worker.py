"""Runs the worker of lane B in a process of its own and takes its frame apart."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import ImageError, UploadError

from .material import InMemory
from .source import PhotoSource

_PROGRAM: Final = Path(__file__).with_name("derivatives.py")
MIME_TYPE: Final = "image/webp"
"""What derivatives are encoded as."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """One smaller version of a photo: pixels, and WebP bytes."""

    width: int
    height: int
    material: InMemory


@dataclass(frozen=True, slots=True)
class Derivatives:
    """What the worker found out about the original (`facts`), and what it made, by asset type."""

    facts: Mapping[str, Any]
    images: Mapping[str, Derivative]


async def derive(source: PhotoSource) -> Derivatives:
    """Render display, thumbnail and placeholder of `source`.

    Raises `ImageError` when it cannot be decoded, `UploadError` when the worker died.
    """
    with source.reopened() as file:
        # -P: the folder of the program, this room, is no place to import from.
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(_PROGRAM),
            str(source.path),
            stdin=file,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
    try:
        frame, complaint = await worker.communicate()
    except BaseException:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
        raise
    if worker.returncode != 0:
        raise _died(source, worker.returncode, complaint)
    return _unpack(frame)


def _environment() -> dict[str, str]:
    """The worker finds the package where this process found it, however that came about."""
    places = [str(_PROGRAM.parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def _died(source: PhotoSource, status: int | None, complaint: bytes) -> Exception:
    last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
    if status is not None and status < 0:
        return ImageError(f"{source.path} cannot be decoded: it needs too much memory or time")
    message = f"the image worker failed on {source.path}: {last or f'exit status {status}'}"
    return UploadError(message, detail=RuntimeError(message))


def _unpack(frame: bytes) -> Derivatives:
    length = int.from_bytes(frame[:4], "big")
    header = json.loads(frame[4 : 4 + length])
    if "error" in header:
        raise ImageError(header["error"])
    images, start = {}, 4 + length
    for name, (width, height, size) in header["images"].items():
        images[name] = Derivative(width, height, InMemory(frame[start : start + size]))
        start += size
    return Derivatives(header["facts"], images)
