"""A ledger with files, the page's server over it, and a run that does what a test says."""

from __future__ import annotations

import asyncio
import hashlib
import threading

import httpx
import pytest

from ic_capsule.bulk import Ledger, NewFile, Stage
from ic_capsule.bulk.server import WebConfig, listen, serve


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """The clock of the server."""
    return Clock()


@pytest.fixture
def book(tmp_path, clock):
    """The ledger as a run has it: a connection of its own."""
    with Ledger.open(tmp_path / "bulk.sqlite", create=True, clock=clock) as ledger:
        yield ledger


class Served:
    """The page's server in a thread; `url` is where."""

    def __init__(self, config):
        self._config = config
        self._listening = listen("127.0.0.1", 0)
        self._started = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(30)

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.create_future()
        with self._listening:
            await serve(self._config, self._listening, started=self._started.set, until=self._until)

    def stop(self):
        """Stop it, and wait."""
        self._loop.call_soon_threadsafe(self._until.set_result, None)
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def web(tmp_path, clock, book):
    """Make a client of the page's server; options are those of WebConfig."""
    opened = []

    def make(**options):
        config = WebConfig(ledger=tmp_path / "bulk.sqlite", spool=tmp_path / "spool", clock=clock, **options)
        served = Served(config)
        client = httpx.Client(base_url=served.url, timeout=30)
        opened.append((client, served))
        return client

    yield make
    for client, served in opened:
        client.close()
        served.stop()


def new_file(number, **changes):
    """A photo to add, with bytes of its own."""
    facts = {
        "path": f"/photos/IMG_{number:04}.jpg".encode(),
        "name": f"IMG_{number:04}.jpg",
        "size": 1_000 + number,
        "mtime_ns": 0,
        "sha256": hashlib.sha256(str(number).encode()).digest(),
        "kind": "image",
        "mime": "image/jpeg",
    }
    return NewFile(**facts | changes)


def advance(ledger, stage, count=1):
    """Do a stage of files that are due."""
    leases = ledger.lease(stage, count)
    for lease in leases:
        ledger.done(lease.file.id, stage)
    return [lease.file.id for lease in leases]


def finish(ledger, count=1):
    """Do all stages of files."""
    for stage in Stage:
        done = advance(ledger, stage, count)
    return done
