"""Puts stand-ins for dfx, icp-cli and PocketIC on a PATH of the test's own, under a home of the test's own."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from ic_harness.networks.deadline import Deadline

HERE = Path(__file__).parent
SOURCE = Path(__file__).parents[3] / "src"


@dataclass(frozen=True)
class Tools:
    """A folder of programs, and an environment in which nothing else of the machine's tools is seen."""

    folder: Path
    home: Path

    @property
    def environ(self):
        inherited = {name: os.environ[name] for name in ("XDG_CACHE_HOME",) if name in os.environ}
        return inherited | {
            "PATH": os.pathsep.join([str(self.folder), "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "PYTHONPATH": str(SOURCE),
            "STANDIN_PYTHON": sys.executable,
        }

    def install(self, name, module=None):
        """Make the stand-in of `module` a program called `name`."""
        script = HERE / f"{module or name}.py"
        return self.script(name, f'exec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"')

    def script(self, name, text):
        """Make a program from lines of shell."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return path


def alive(pid):
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def gone(pid):
    """Wait until a process has ended that is not our own child: a signal that was sent takes effect later."""
    return Deadline(30.0).wait_for(lambda: None if alive(pid) else True)
