"""The way of a chunk: the files that one `uploads_put_chunk` of 1.8 MB enters, with client and replica in one process.

Prints the number of files of the packages, how often consecutive calls are in different rooms (the folder or file
directly below a package), and the number of Python calls. `--files` lists each file with its calls, `--calls` the files
in the order of the calls. A profile function counts in every thread; it is installed before the network starts its own.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

from ic_capsule.backend import Backend
from ic_capsule.reference import reference_wasm
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity

SOURCE = Path(__file__).resolve().parent.parent / "src"
CHUNK_BYTES = 1_800_000
WARM = 3
"""Chunks that are sent before the one that is counted."""


class Way:
    """Notes every call of a Python function of the package while `counting`."""

    def __init__(self) -> None:
        self.counting = False
        self.calls: list[str] = []
        self._prefix = f"{SOURCE}/"

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Profile function: see `sys.setprofile`."""
        if event == "call" and self.counting and frame.f_code.co_filename.startswith(self._prefix):
            self.calls.append(frame.f_code.co_filename[len(self._prefix) :])

    @property
    def files(self) -> Counter[str]:
        """Calls by file, in the order in which the files were entered."""
        return Counter(self.calls)

    @property
    def changes(self) -> int:
        """How often a call is in another room than the call before it."""
        return sum(room(one) != room(other) for one, other in pairwise(self.calls))


def room(file: str) -> str:
    """The folder or file directly below its package, with the package."""
    return "/".join(file.split("/")[:2])


def measure() -> Way:
    """Send chunks over an embedded network and return the way of the last one."""
    way = Way()
    threading.setprofile(way)
    sys.setprofile(way)
    try:
        with embedded() as network:
            canister = network.deploy(reference_wasm())
            backend = Backend(network.agent(Ed25519Identity.generate()), canister)
            capsule = backend.capsules_create(None).id
            session = backend.uploads_begin(capsule, WARM + 1, "the way of a chunk")
            for index in range(WARM):
                backend.uploads_put_chunk(session, index, bytes(CHUNK_BYTES))
            way.counting = True
            backend.uploads_put_chunk(session, WARM, bytes(CHUNK_BYTES))
            way.counting = False
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return way


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--files", action="store_true", help="list every file with its calls")
    parser.add_argument("--calls", action="store_true", help="list the rooms in the order of their calls")
    options = parser.parse_args()
    way = measure()
    if options.files:
        for file, calls in way.files.items():
            print(f"{calls:5} {file}")
    if options.calls:
        previous = ""
        for file in way.calls:
            if file != previous:
                print(f"{'' if room(file) == room(previous or file) else '-- '}{file}")
            previous = file
    print(f"{len(way.files)} files, {way.changes} changes of room, {len(way.calls):,} calls")


if __name__ == "__main__":
    main()
