"""What the stand-ins for dfx and icp-cli share: this package's replica in the background, and its end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path


def start(folder, port=0):
    """Serve a fresh replica in the background; give its process id, port and root key (hexadecimal)."""
    command = [sys.executable, "-m", "ic_harness.cli", "replica", "start", "--json"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [*command, "--state-dir", str(folder / "state"), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit((folder / "log").read_text())
    told = json.loads(line)
    return process.pid, int(told["url"].rsplit(":", 1)[1]), told["root_key"]


def stop(pid_file):
    """End the replica whose process id is in a file, and wait until it is gone."""
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    watch = os.pidfd_open(pid)
    select.select([watch], [], [], 60)
    pid_file.unlink()


def project(name):
    """The nearest folder upwards that holds a file."""
    here = Path.cwd()
    return next((place for place in (here, *here.parents) if (place / name).is_file()), None)
