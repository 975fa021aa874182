"""The way of a chunk through the code is short: what a reader must open to follow one `uploads_put_chunk`."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

from .source import ROOT

PROGRAM = ROOT / "scripts" / "benchmarks" / "chunk_path.py"
MOST_FILES = 50
MOST_CHANGES = 40


def room(file: str) -> str:
    """The first folder or file below the package."""
    return "/".join(file.split("/")[:2])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memories and faults are held by other files")
def test_the_way_of_a_chunk_is_short():
    """One warm chunk in process, client and replica together, passes at most 50 files with 40 changes of room."""
    pytest.importorskip("pyblst")  # the Wasm module in its place is one file more
    ran = subprocess.run(
        [sys.executable, str(PROGRAM), "--files"], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    files = ran.stdout.split()
    passed = sorted(set(files))
    assert {"ic_capsule/backend/client.py", "ic_harness/agent/flow.py"} <= set(passed)
    assert "ic_harness/replica/rounds/scheduler.py" in passed, "the replica's threads are recorded too"
    assert len(passed) <= MOST_FILES, "\n".join(passed)
    assert sum(room(a) != room(b) for a, b in pairwise(files)) <= MOST_CHANGES
