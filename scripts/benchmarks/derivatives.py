"""Figures of lane B: three derivatives of a 20 MB JPEG, in the worker process and done naively.

Run it with Python; it prints what, figure, budget, and whether it is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from ic_capsule.uploads import worker as uploads_worker

MAKE = """
import pathlib, sys
from ic_capsule.uploads import make_large_jpeg
pathlib.Path(sys.argv[1]).write_bytes(make_large_jpeg(20_000_000))
"""
NAIVE = """
import io, sys
from PIL import Image, ImageOps
image = ImageOps.exif_transpose(Image.open(sys.stdin.buffer)).convert("RGB")
for edge, quality in ((2048, 82), (512, 82), (32, 60)):
    small = image.copy()
    small.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=None)
    small.save(io.BytesIO(), "WEBP", quality=quality)
"""


def run(command: list[str], photo: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of a child whose standard input is `photo`."""
    started = time.perf_counter()
    with photo.open("rb") as file:
        child = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[:2]} failed with status {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - started, usage.ru_maxrss * unit / 1e6


def report(what: str, figure: float, unit: str, budget: float | None = None) -> None:
    """Print one line; the figure has to be below the budget."""
    verdict = (
        "" if budget is None else f"< {budget:g} {unit}".ljust(12) + ("ok" if figure < budget else "over")
    )
    print(f"{what:52} {figure:9.2f} {unit:4} {verdict}")


def main() -> None:
    """Measure and print everything."""
    program = str(Path(uploads_worker.__file__).with_name("derivatives.py"))
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        # Made by a child: what this process once took would be counted as the peak of its children.
        subprocess.run([sys.executable, "-c", MAKE, str(photo)], check=True)
        facts = photo.stat()
        identity = [facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns]
        request = Path(folder) / "request"
        wanted = {"path": str(photo), "name": "photo.jpg", "identity": identity, "mime": None, "pixels": True}
        request.write_text(json.dumps(wanted) + "\n")
        ours = [run([sys.executable, program], request) for _ in range(5)]
        naive = [run([sys.executable, "-c", NAIVE], photo) for _ in range(3)]
    report("derivatives of 20 MB: time, process start included", median(s for s, _ in ours), "s", 0.8)
    report("derivatives of 20 MB: peak memory of the worker", max(m for _, m in ours), "MB", 150)
    report("done naively: time", median(s for s, _ in naive), "s")
    report("done naively: peak memory", max(m for _, m in naive), "MB")


if __name__ == "__main__":
    main()
