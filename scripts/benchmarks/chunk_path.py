"""The way of one chunk through the code: files, changes of room and Python calls of an `uploads_put_chunk` in process.

`scripts/bench chunk_path` prints the totals and the calls by file; with `--files` it prints the name of the file of
each call, in order, which a test reads. Client and embedded replica share the process, so that one profile sees both
ends. A room is the first folder or file below a package.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from _figures import show

import ic_capsule
import ic_harness
from ic_capsule.backend import Backend, reference_wasm
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity

CHUNK = 1_800_000
WARM, MEASURED = 3, 24
"""Chunks that load and cache what is loaded once, and chunks after them of which the shortest way counts."""
ROOTS = tuple(str(Path(package.__file__ or "").parents[1]) + "/" for package in (ic_harness, ic_capsule))
PACKAGES = ("ic_harness/", "ic_capsule/")


class Recorder:
    """Records the file of every Python call of our packages, in the order of time."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.recording = False

    def profile(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Record one event of the interpreter; resumed generators count as calls."""
        if not self.recording or event != "call":
            return
        name = frame.f_code.co_filename
        for root in ROOTS:
            label = name.removeprefix(root)
            if label.startswith(PACKAGES):
                self.files.append(label)
                return


def room(file: str) -> str:
    """The first folder or file below the package."""
    return "/".join(file.split("/")[:2])


def changes_of_room(files: list[str]) -> int:
    """How often a way leaves a room for another."""
    return sum(room(before) != room(after) for before, after in pairwise(files))


def record() -> list[str]:
    """The files that a warm chunk passes, in order.

    A thread that must wait longer than usual, on a busy machine, passes more: so it is the shortest of several ways.
    """
    ways: list[list[str]] = []
    recorder = Recorder()
    threading.setprofile(recorder.profile)  # the replica's threads start below
    with embedded() as network:
        canister = network.deploy(reference_wasm())
        backend = Backend(network.agent(Ed25519Identity.from_seed(bytes(32))), canister)
        session = backend.uploads_begin(backend.capsules_create(None).id, WARM + MEASURED, "chunk path")
        for index in range(WARM):
            backend.uploads_put_chunk(session, index, os.urandom(CHUNK))
        sys.setprofile(recorder.profile)
        for index in range(WARM, WARM + MEASURED):
            chunk = os.urandom(CHUNK)
            recorder.recording = True
            backend.uploads_put_chunk(session, index, chunk)
            recorder.recording = False
            ways.append(recorder.files)
            recorder.files = []
        sys.setprofile(None)
        threading.setprofile(None)
    return min(ways, key=lambda files: (len(set(files)), changes_of_room(files)))


def report(files: list[str]) -> None:
    """Print the totals, and the calls by room and by file."""
    print("the way of a chunk")
    calls = Counter(files)
    show("files", len(calls), "", most=51)
    show("changes of room", changes_of_room(files), "", most=41)
    show("Python calls", len(files), "")
    for name, count in Counter(map(room, files)).most_common():
        show(f"  calls in {name}", count, "")
    for name, count in calls.most_common(10):
        show(f"    in {name}", count, "")


if __name__ == "__main__":
    if sys.argv[1:] == ["--files"]:
        print("\n".join(record()))
    else:
        report(record())
