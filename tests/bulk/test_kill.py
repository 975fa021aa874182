"""The coordinator is killed (-9) again and again; the same command goes on each time, and nothing is lost or twice."""

from __future__ import annotations

import logging
import random
import subprocess
import sys

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.bulk import Ledger, LedgerView, Stage, State, add_paths
from ic_harness.networks import connect
from ic_harness.protocol import load_pem
from tests.amounts import amount

from .support import WHOLE, assets, memories, originals, served, write_photos

LANES = 8
CHUNK = 1_800_000


@pytest.mark.parametrize(
    ("files", "large", "kills"),
    [
        (16, 2, 4),
        pytest.param(*amount((80, 8, 30), thorough=(200, 20, 100)), marks=pytest.mark.slow, id="many"),
    ],
)
def test_kills_lose_nothing_and_store_nothing_twice(tmp_path, files, large, kills):
    """After every kill the same command continues; at the end each file is stored once, and few bytes went twice."""
    photos = tmp_path / "photos"
    write_photos(photos, files - large)
    write_photos(photos, large, size=4_000_000, start=files)
    path = tmp_path / "bulk.sqlite"
    with Ledger.open(path, create=True) as ledger:
        add_paths(ledger, [photos])
    with served() as url, connect(url) as network:
        canister = network.deploy(reference_wasm())
        command = _command(tmp_path, url, canister, path)
        done = _run_and_kill(command, path, kills, random.Random(files))
        assert subprocess.run(command, timeout=600, check=False, capture_output=True).returncode == 0
        again = _check(tmp_path, network, path, files, done)
    logging.getLogger(__name__).info("%s kills, %s bytes sent again", done, again)


def _command(folder, url, canister, path):
    return [
        *(
            sys.executable,
            "-m",
            "ic_harness.cli",
            "bulk",
            "run",
            "--network",
            url,
            "--canister-id",
            str(canister),
        ),
        *("--ledger", str(path), "--state-dir", str(folder / "state"), "--lanes", str(LANES), "--json"),
    ]


def _run_and_kill(command, path, kills, dice):
    """Kill as often as wished, each time after some progress; returns how often it was killed."""
    killed = 0
    with LedgerView.open(path) as view:
        while killed < kills:
            goal = view.last_event() + dice.randrange(2, 9)
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
                while view.last_event() < goal and not _ended(child, 0.005):
                    pass
                if _ended(child, dice.uniform(0.0, 0.05)):
                    return killed
                child.kill()
            killed += 1
    return killed


def _ended(child, seconds):
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _check(folder, network, path, files, killed):
    with LedgerView.open(path) as view:
        stats = view.stats()
        assert stats.count(Stage.UPLOAD, State.DONE) == files
        assert stats.count(Stage.PROCESS, State.DONE) == files
        found = memories(network, load_pem(folder / "state" / "identity.pem"), view)
        counts = originals(found)
        assert set(counts) == {file.sha256 for file in view.every_file()}
        assert set(counts.values()) == {1}
        assert {tuple(assets(memory)) for memory in found} == {tuple(WHOLE)}
        again = stats.bytes_sent - stats.bytes_total
        assert again <= killed * LANES * CHUNK
        return again
