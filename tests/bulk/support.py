"""A replica in a process of its own, files to upload, and counts of what is stored."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

from ic_capsule.assets import ASSETS
from ic_capsule.backend import open_backend
from ic_capsule.bulk import Ledger, LedgerView, Stage, State
from ic_capsule.uploads import sample_photo

SERVER = """
import sys
from ic_harness.replica import PRESETS, Replica, ReplicaConfig, serve
with Replica(ReplicaConfig(latency=PRESETS[sys.argv[1]])) as replica, serve(replica) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def served(latency="none"):
    """The URL of a replica that outlives whatever talks to it."""
    command = [sys.executable, "-c", SERVER, latency]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as replica:
        assert replica.stdout is not None
        yield replica.stdout.readline().strip()


def write_photos(folder, count, *, size=0, start=0):
    """Distinct photos that decode; with `size` padded to so many bytes."""
    folder.mkdir(exist_ok=True)
    base = sample_photo()
    for number in range(start, start + count):
        data = base + number.to_bytes(8, "big")
        (folder / f"photo{number:05}.jpg").write_bytes(data.ljust(size, number.to_bytes(2, "big")[-1:]))


def memories(network, identity, ledger):
    """Every memory of the capsule that a ledger belongs to, read from the backend."""
    target = ledger.target()
    backend = open_backend(network.agent(identity), target["canister"])
    found, cursor = [], None
    while True:
        page = backend.memories_list(target["capsule"], cursor, 100)
        found += [backend.memories_read(header.id) for header in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


def originals(found):
    """How often each content is stored as an original, by SHA-256."""
    counts: Counter[bytes] = Counter()
    for memory in found:
        for asset in [*memory.blob_internal_assets, *memory.inline_assets]:
            base = asset.metadata.value.base
            if base.asset_type.value == "Original":
                counts[base.sha256] += 1
    return counts


def assets(memory):
    """The kinds of assets that a memory has."""
    both = [*memory.blob_internal_assets, *memory.inline_assets]
    return sorted(asset.metadata.value.base.asset_type.value for asset in both)


WHOLE = sorted(ASSETS)


def done(ledger, stage):
    """The content hashes of files that are done with a stage."""
    return {file.sha256 for file in ledger.every_file() if file.states.get(stage) is State.DONE}


def make_ledger(path, **options):
    """A ledger in a folder."""
    return Ledger.open(path / "bulk.sqlite", create=True, **options)


__all__ = [
    "WHOLE",
    "LedgerView",
    "Stage",
    "assets",
    "done",
    "make_ledger",
    "memories",
    "originals",
    "served",
    "write_photos",
]
