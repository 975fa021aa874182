"""Figures of an upload: a 21 MB JPEG over HTTP on loopback, the replica in a process of its own.

Run it with Python; it prints what, figure, budget, and whether it is kept. Every certificate is verified, and
the whole upload includes reading every byte back.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from ic_harness.backend import Backend, reference_wasm
from ic_harness.networks import connect
from ic_harness.protocol import Ed25519Identity
from ic_harness.uploads import Progress, UploadedPhoto, make_large_jpeg, upload_photo

SIZE = 21_000_000


@contextmanager
def replica(folder: Path) -> Iterator[str]:
    """Run the replica in a process of its own and give its URL."""
    command = [sys.executable, "-m", "ic_harness.cli", "replica", "start", "--json", "--state-dir", str(folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield str(json.loads(child.stdout.readline())["url"])
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(30)


class Lane:
    """Times lane A from its first to its last byte."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, progress: Progress) -> None:
        """Note when bytes of the original arrived."""
        if progress.lane == "original":
            self.times.append(time.perf_counter())

    @property
    def megabytes_a_second(self) -> float:
        """Bytes of the original over the time from begin to the last chunk."""
        return SIZE / 1e6 / (self.times[-1] - self.times[0])


def once(backend: Backend, capsule: str, photo: Path) -> tuple[float, UploadedPhoto]:
    """One upload: MB/s of lane A, and what it gave."""
    lane = Lane()
    uploaded = upload_photo(backend, photo, capsule, on_progress=lane)
    return lane.megabytes_a_second, uploaded


def report(what: str, figure: float, unit: str, budget: str = "", *, kept: bool = True) -> None:
    """Print one line."""
    verdict = f"{budget:12} {'ok' if kept else 'over'}" if budget else ""
    print(f"{what:52} {figure:9.2f} {unit:5} {verdict}")


def main() -> None:
    """Measure and print everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [folder / f"photo-{number}.jpg" for number in range(3)]
        for number, photo in enumerate(photos):
            # made by a child: making it takes more memory than sending it
            make = f"import sys; sys.stdout.buffer.write(make_large_jpeg({SIZE}, {number}))"
            code = f"from {make_large_jpeg.__module__} import make_large_jpeg; {make}"
            photo.write_bytes(
                subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
            )
        with replica(folder / "state") as url, connect(url) as network:
            canister = network.create_canister()
            network.install(canister, reference_wasm())
            backend = Backend(network.agent(Ed25519Identity.generate()), canister)
            capsule = backend.capsules_create(None).id
            results = [once(backend, capsule, photo) for photo in photos]
    speed = median(rate for rate, _ in results)
    seconds = median(uploaded.seconds for _, uploaded in results)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    report("lane A, 21 MB over HTTP, certificates verified", speed, "MB/s", ">= 25 MB/s", kept=speed >= 25)
    report("whole upload: four assets, read back and compared", seconds, "s")
    report("peak memory of the client process", peak, "MB", "< 300 MB", kept=peak < 300)
    verified = sum(uploaded.verified and len(uploaded.assets) == 4 for _, uploaded in results)
    report("uploads verified, four assets each", verified, f"of {len(results)}")


if __name__ == "__main__":
    main()
