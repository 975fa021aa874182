"""Renders photos in resident image workers: processes that read one request after another from a pipe.

Starting an interpreter for each photo costs 122 ms of processor time, rendering a small one 37 ms; so a worker stays.
It is replaced when it crashes, when it has used much memory, and after some hundred photos. A photo that crashes a
worker is tried once more, alone in a new one; if that crashes too, the photo is at fault. Workers are shared by all
event loops and threads of the process and end with it.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from ic_capsule.assets import DERIVATIVES, DerivativeName
from ic_harness.errors import ImageError, InputError, UploadError
from ic_harness.text import readable

from .content import InMemory
from .kinds import decoder_hint
from .source import FileSource

_PROGRAM: Final = Path(__file__).with_name("derivatives.py")
PHOTOS_EACH: Final = 500
"""How many photos a worker takes before it is replaced."""
RETIRE_AT: Final = 700 << 20
"""Peak memory, in bytes, after which a worker is replaced when it has finished its photo."""
_STOP_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Derivative:
    """One smaller version of a photo: its size in pixels, and its encoded bytes."""

    width: int
    height: int
    content: InMemory


@dataclass(frozen=True, slots=True)
class Derivatives:
    """The facts that the worker read from the original, and the derivatives that it rendered, by name."""

    facts: Mapping[str, Any]
    images: Mapping[DerivativeName, Derivative]


async def derive(source: FileSource) -> Derivatives:
    """Render the derivatives of `source` (`ic_capsule.assets`).

    Raises `ImageError` when it cannot be decoded, `UploadError` when the file has changed or the worker failed.
    """
    return await workers().run(source, pixels=True)


async def inspect(source: FileSource) -> Mapping[str, Any]:
    """Read the facts in the header of `source` without decoding it. Raises what `derive` raises."""
    return (await workers().run(source, pixels=False)).facts


@cache
def workers() -> ImageWorkers:
    """The image workers of this process: at most one a processor."""
    pool = ImageWorkers(os.cpu_count() or 1)
    atexit.register(pool.close)
    return pool


class _DiedError(Exception):
    """A worker ended without a response; `status` is its exit status, negative for a signal."""

    def __init__(self, status: int, complaint: str) -> None:
        self.status = status
        self.complaint = complaint
        super().__init__(complaint)


class _Frame(NamedTuple):
    """A worker's response: its header, and the bodies after it."""

    header: dict[str, Any]
    bodies: memoryview


class _Process:
    """One worker process. Used by one thread at a time."""

    def __init__(self) -> None:
        self.photos = 0
        self.peak = 0
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        # -P: nothing may be imported from the program's folder.
        self._child = subprocess.Popen(  # noqa: S603 - this package's own program
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=_environment(),
        )

    def ask(self, request: bytes) -> _Frame:
        """Send a request and wait for the response. Raises `_DiedError`."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(request)
            self._child.stdin.flush()
        except OSError:
            raise self._death() from None
        length = self._child.stdout.read(8)
        body = self._child.stdout.read(int.from_bytes(length, "big")) if len(length) == 8 else b""
        if len(length) < 8 or len(body) < int.from_bytes(length, "big"):
            raise self._death()
        start = 4 + int.from_bytes(body[:4], "big")
        header = json.loads(body[4:start])
        self.photos += 1
        self.peak = header.get("peak", 0)
        return _Frame(header, memoryview(body)[start:])

    def _death(self) -> _DiedError:
        status = self._child.wait()
        self._complaints.seek(0)
        last = self._complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
        return _DiedError(status, last or f"exit status {status}")

    @property
    def worn(self) -> bool:
        """Whether it should be replaced."""
        return self.photos >= PHOTOS_EACH or self.peak > RETIRE_AT

    def kill(self) -> None:
        """Kill it at once."""
        self._child.kill()

    def close(self) -> None:
        """End it and release its resources; a process that does not end by itself is killed."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(OSError):
            self._child.stdin.close()
        try:
            self._child.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._complaints.close()


class _Job:
    """A photo that a worker is rendering: a cancelled caller kills its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self.cancelled = False

    def take(self, process: _Process | None) -> None:
        """Set the process that works on it."""
        with self._lock:
            self._process = process
            if self.cancelled and process is not None:
                process.kill()

    def cancel(self) -> None:
        """Kill the process that works on it."""
        with self._lock:
            self.cancelled = True
            if self._process is not None:
                self._process.kill()


class ImageWorkers:
    """At most `size` worker processes, started when they are needed; `start` makes one."""

    def __init__(self, size: int, start: Callable[[], _Process] = _Process) -> None:
        self.size = size
        self._start = start
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="ic-harness-images")
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._closed = False

    async def run(self, source: FileSource, *, pixels: bool) -> Derivatives:
        """Render a photo, or with `pixels` False only read its header; cancelling ends the work on it."""
        request = {
            "path": os.fspath(source.path.absolute()),
            "name": readable(source.path),
            "identity": source.identity,
            "mime": decoder_hint(source.kind),
            "pixels": pixels,
        }
        job, line = _Job(), json.dumps(request).encode() + b"\n"
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._work, job, line)
        try:
            frame = await asyncio.shield(work)
        except asyncio.CancelledError:
            job.cancel()
            await asyncio.wait([work])
            work.exception()  # marked as retrieved: a killed worker is expected
            raise
        except _DiedError as death:
            raise _failure(source, death) from None
        return _unpack(source, frame)

    def _work(self, job: _Job, line: bytes) -> _Frame:
        try:
            return self._ask(job, line, fresh=False)
        except _DiedError as death:
            if job.cancelled or death.status >= 0:
                raise
        return self._ask(job, line, fresh=True)

    def _ask(self, job: _Job, line: bytes, *, fresh: bool) -> _Frame:
        process = self._take(fresh=fresh)
        job.take(process)
        try:
            frame = process.ask(line)
        except BaseException:
            job.take(None)
            process.kill()
            process.close()
            raise
        job.take(None)
        self._give_back(process)
        return frame

    def _take(self, *, fresh: bool) -> _Process:
        with self._lock:
            if self._idle and not fresh:
                return self._idle.pop()
        return self._start()

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            if not self._closed and not process.worn and len(self._idle) < self.size:
                self._idle.append(process)
                return
        process.close()

    def close(self) -> None:
        """End all workers; busy ones end after their photo."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()
        self._threads.shutdown(wait=True)


def _environment() -> dict[str, str]:
    """The environment of a worker: it imports the package from where this process did."""
    places = [str(_PROGRAM.parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def _failure(source: FileSource, death: _DiedError) -> Exception:
    if death.status < 0:
        return ImageError(f"{source.path} cannot be decoded: it needs too much memory or time")
    message = f"the image worker failed on {source.path}: {death.complaint}"
    return UploadError(message, detail=RuntimeError(message))


def _unpack(source: FileSource, frame: _Frame) -> Derivatives:
    header = frame.header
    if "error" in header:
        raise ImageError(header["error"])
    if "changed" in header:
        message = f"{source.path} was changed while it was being uploaded"
        raise UploadError(message, detail=InputError(message))
    images: dict[DerivativeName, Derivative] = {}
    start = 0
    for spec in DERIVATIVES if header["images"] else ():
        name = spec.name
        width, height, size = header["images"][name]
        images[name] = Derivative(width, height, InMemory(bytes(frame.bodies[start : start + size])))
        start += size
    return Derivatives(header["facts"], images)
