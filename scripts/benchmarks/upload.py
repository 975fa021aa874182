"""Figures of an upload: a 21 MB JPEG over HTTP on loopback, everything verified, beside the scripts of today.

The replica runs in a process of its own, as a user's does; in memory, and with its state on disk. What the
existing scripts do is done here too, with the same client: chunks one after the other.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _figures import show, timed
from _served import served

from ic_capsule.backend import Backend, reference_wasm
from ic_capsule.uploads import make_large_jpeg
from ic_harness.networks import connect
from ic_harness.protocol import Ed25519Identity

SIZE = 21_000_000
CLIENT = """
import json, resource, sys, time
from pathlib import Path
from ic_capsule.backend import Backend
from ic_harness.networks import connect
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_capsule.uploads import upload_photo
def peak():
    # Linux counts into ru_maxrss what the parent held when it started this process; VmHWM is this program's own.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
ends = {}
def listen(event):
    ends.setdefault(event.lane, [time.perf_counter(), 0.0])[1] = time.perf_counter()
with connect(sys.argv[1]) as network:
    backend = Backend(network.agent(Ed25519Identity.generate()), Principal.from_text(sys.argv[2]))
    backend.capsules_create(None)
    start = time.perf_counter()
    photo = upload_photo(backend, sys.argv[3], on_progress=listen)
    print(json.dumps({"total": time.perf_counter() - start, "lane_a": ends["original"][1] - start,
        "verified": photo.verified, "peak": peak()}))
"""


def sequential(backend: Backend, data: bytes, size: int) -> float:
    """Megabytes a second of chunks sent one after the other."""
    capsule = backend.capsules_create(None).id
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    session = backend.uploads_begin(capsule, len(chunks), f"sequential {size} {time.perf_counter_ns()}")

    def send() -> None:
        for index, chunk in enumerate(chunks):
            backend.uploads_put_chunk(session, index, chunk)
        backend.uploads_finish(session, hashlib.sha256(data).digest(), len(data))

    return len(data) / timed(send) / 1e6


def photos(url: str, folder: Path) -> None:
    """Upload three photos, each by a client in a process of its own, and one chunk after the other."""
    with connect(url) as network:
        canister = network.deploy(reference_wasm())
        photo = folder / "large.jpg"
        runs = []
        for seed in range(3):
            photo.write_bytes(make_large_jpeg(SIZE, seed))
            command = [sys.executable, "-c", CLIENT, url, str(canister), str(photo)]
            runs.append(json.loads(subprocess.check_output(command)))
        assert all(run["verified"] for run in runs)
        show(
            "lane A, both lanes running", SIZE / median(run["lane_a"] for run in runs) / 1e6, "MB/s", least=25
        )
        show(
            "whole upload: both lanes, memory, everything read back",
            median(run["total"] for run in runs),
            "s",
        )
        show("peak memory of the client", max(run["peak"] for run in runs) / 1e6, "MB", most=300)
        backend = Backend(network.agent(Ed25519Identity.generate()), canister)
        data = photo.read_bytes()
        show(
            "chunks of 1.8 MB one after the other, the same client",
            sequential(backend, data, 1_800_000),
            "MB/s",
        )
        show(
            "chunks of 64 KiB one after the other, the same client", sequential(backend, data, 65_536), "MB/s"
        )


def main() -> None:
    """Measure and print everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("upload of a 21 MB JPEG over HTTP on loopback, certificates verified; replica in memory")
        with served() as url:
            photos(url, folder)
        print("the same, replica with its state on disk")
        with served(str(folder / "state")) as url:
            photos(url, folder)


if __name__ == "__main__":
    main()
