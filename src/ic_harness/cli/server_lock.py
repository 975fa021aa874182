"""The file in the state folder with the process id and URL of the server that serves it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import parse_json

from .files import PRIVATE, write_atomically

FILE: Final = "server.json"


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves a state folder at `url`."""

    pid: int
    url: str


@contextmanager
def hold_server_lock(state_dir: Path, url: str) -> Iterator[None]:
    """Write the file for this process while the block runs, and delete it afterwards."""
    path = state_dir / FILE
    write_atomically(path, [json.dumps(asdict(Server(os.getpid(), url))).encode()], mode=PRIVATE)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_server(state_dir: Path) -> Server | None:
    """Read the file. Returns None when it is missing or damaged, or its process has ended."""
    try:
        note = parse_json((state_dir / FILE).read_text(encoding="utf-8"))
        server = Server(int(note["pid"]), str(note["url"]))
        os.kill(server.pid, 0)  # signal 0 asks whether the process is there and does nothing to it
    except PermissionError:
        return server
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return server
