"""Restores by many callers at once, interrupted and killed at random moments: no canister is half of two moments."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ic_harness.principal import Principal
from tests.amounts import amount

from .restoring_child import check_whole, opened

CHILD = Path(__file__).with_name("restoring_child.py")


@contextlib.contextmanager
def busy(processes):
    """Processes that keep the cores busy."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def command(seed, interrupts, folder):
    return [sys.executable, str(CHILD), str(seed), str(interrupts), str(folder)]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["memory", "folder"])
@pytest.mark.parametrize("processes", [0, 3])
def test_interrupted(tmp_path, place, processes):
    """Fifty callers restore and call; each Ctrl-C is one KeyboardInterrupt, and every caller gets on or an error."""
    count, folder = amount(12, thorough=150), "-" if place == "memory" else tmp_path / "state"
    with busy(processes):
        child = subprocess.run(
            command(11 + processes, count, folder), capture_output=True, text=True, timeout=900, check=False
        )
    assert child.returncode == 0, (child.returncode, child.stderr[-4000:])
    named, told = map(json.loads, child.stdout.splitlines())
    assert told.pop("interrupts") == count
    assert {"short", "of_canister"} <= set(told), told
    if place == "folder":
        with opened(folder) as replica:
            check_whole(replica, [Principal.from_text(name) for name in named])


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 3])
def test_killed(tmp_path, processes):
    """A folder that fifty callers used when the process was killed has whole canisters, and goes on."""
    moments = random.Random(processes)
    with busy(processes):
        for number in range(amount(3, thorough=20)):
            folder = tmp_path / f"state-{number}"
            child = subprocess.Popen(command(number, 0, folder), stdout=subprocess.PIPE)
            try:
                assert child.stdout is not None
                canisters = [Principal.from_text(name) for name in json.loads(child.stdout.readline())]
                threading.Event().wait(moments.random() * 3)
            finally:
                child.kill()
                child.communicate()
            with opened(folder) as replica:
                replica.hold()
                check_whole(replica, canisters)
                replica.release()
                for canister in canisters:
                    replica.execute_update(Principal.anonymous(), canister, "short", b"")
                check_whole(replica, canisters)
