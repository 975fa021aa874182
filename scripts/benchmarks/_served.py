"""A replica in a process of its own, as a user's is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = """
import sys
from pathlib import Path
from ic_harness.replica import PRESETS, Replica, ReplicaConfig, serve
folder, latency = Path(sys.argv[1]) if sys.argv[1] else None, PRESETS[sys.argv[2]]
with Replica(ReplicaConfig(state_dir=folder, latency=latency)) as replica, serve(replica) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def served(folder: str = "", latency: str = "none") -> Iterator[str]:
    """The URL of a replica; in memory unless a state folder is given."""
    command = [sys.executable, "-c", SERVER, folder, latency]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as replica:
        assert replica.stdout is not None
        yield replica.stdout.readline().strip()
