"""Many mixed files, two percent of them broken, two percent of calls harmed: all accounted for, in bounded memory."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.request

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.bulk import FailureClass, Ledger, LedgerView, add_paths
from ic_capsule.uploads import sample_photo
from ic_harness.networks import connect
from ic_harness.protocol import Ed25519Identity

from .support import memories, originals, served

CLIENT = """
import sys
from pathlib import Path
from ic_capsule.bulk import UNPACED, Ledger, Options, Stage, run_bulk
from ic_harness.networks import connect
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
url, canister, path, seed = sys.argv[1:]
identity = Ed25519Identity.from_seed(bytes.fromhex(seed))
with Ledger.open(Path(path)) as ledger, connect(url) as network:
    run_bulk(ledger, network, identity, Principal.from_text(canister), Options(until=Stage.PROCESS, limits=UNPACED))
status = Path("/proc/self/status")
print(int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 if status.exists() else 0)
"""
HARMS = ("drop_request", "drop_reply", "duplicate", "429", "503", "delay_reply")
SEED = bytes(range(32))
MOST_MEMORY = 300_000_000


def write_files(folder, count):
    """Mixed kinds and sizes; one of fifty is empty or no image. Returns the hashes of the good ones."""
    folder.mkdir()
    kinds = [(".jpg", sample_photo())] * 6 + [
        (".mp4", b"\0\0\0\x18ftypmp42"),
        (".pdf", b"%PDF-1.7"),
        (".txt", b"note"),
    ]
    good = set()
    for number in range(count):
        ending, start = kinds[number % len(kinds)]
        data = (start + b"%020d" % number).ljust(
            (0, 700_000, 2_500_000)[number % 3] if ending != ".txt" else 0, b"\0"
        )
        if number % 50 == 7:
            ending, data = ".jpg", b"" if number % 100 == 7 else b"no image %d" % number
        else:
            good.add(hashlib.sha256(data).digest())
        (folder / f"file{number:05}{ending}").write_bytes(data)
    return good


def order(url, **fault):
    """Order a fault at a served replica."""
    request = urllib.request.Request(f"{url}/_/faults", json.dumps(fault).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        answer.read()


def run(folder, count):
    """Upload `count` files with faults; the good hashes, what is stored, the ledger's facts, and peak memory."""
    folder.mkdir()
    good = write_files(folder / "files", count)
    path, identity = folder / "bulk.sqlite", Ed25519Identity.from_seed(SEED)
    with Ledger.open(path, create=True) as ledger:
        add_paths(ledger, [folder / "files"])
    with served() as url, connect(url) as network:
        canister = network.deploy(reference_wasm())
        for number in range(count // 6):
            order(
                url, kind=HARMS[number % len(HARMS)], after=50 * number + 25, seconds=0.2 * (number % 6 == 5)
            )
        command = [sys.executable, "-c", CLIENT, url, str(canister), str(path), SEED.hex()]
        peak = int(subprocess.check_output(command, env={**os.environ}))
        with LedgerView.open(path) as view:
            stored = originals(memories(network, identity, view))
            return good, stored, view.stats(), peak


@pytest.mark.slow
def test_everything_is_accounted_for(tmp_path):
    """Good files are stored once, broken ones are dead letters of their class; few bytes twice; memory stays flat."""
    peaks = []
    for count in (50, 200):
        good, stored, stats, peak = run(tmp_path / str(count), count)
        assert set(stored) == good
        assert set(stored.values()) == {1}
        assert stats.dead == {FailureClass.INVALID: stats.total - len(good)}
        assert stats.bytes_sent <= 1.05 * stats.bytes_done
        assert peak < MOST_MEMORY
        peaks.append(peak)
    assert peaks[1] < 1.3 * peaks[0]
