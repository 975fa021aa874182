"""A note in the state folder that tells which process serves it, and where."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ic_harness.text import parse_json

from .files import PRIVATE, write_atomically

FILE: Final = "server.json"


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves a state folder at `url`."""

    pid: int
    url: str


@contextmanager
def note_server(state_dir: Path, url: str) -> Iterator[None]:
    """Leave a note that this process serves `state_dir`, and take it away afterwards."""
    path = state_dir / FILE
    write_atomically(path, [json.dumps(asdict(Server(os.getpid(), url))).encode()], mode=PRIVATE)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_server(state_dir: Path) -> Server | None:
    """Read the note; None when there is none, it is damaged, or its process is gone."""
    try:
        note = parse_json((state_dir / FILE).read_text(encoding="utf-8"))
        server = Server(int(note["pid"]), str(note["url"]))
        os.kill(server.pid, 0)  # signal 0 asks whether the process is there and does nothing to it
    except PermissionError:
        return server
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return server
