"""Killed at random moments, the replica loses no answered update and damages nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ic_harness.replica import Replica, ReplicaConfig
from tests.replica.support import Called, deploy, did

CHILD = Path(__file__).with_name("crash_child.py")
SOURCE = Path(__file__).resolve().parents[3] / "src"


def run_and_kill(folder, canister, answers, checkpoint_bytes):
    """Let the child give some answers, kill it in the middle of the next one, give its last answer."""
    command = [sys.executable, str(CHILD), str(folder), str(canister), str(checkpoint_bytes)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(answers)]
        child.send_signal(signal.SIGKILL)
        told += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    return told


def survives(folder, kills, checkpoint_bytes, seed):
    random_number = random.Random(seed)
    with Replica(ReplicaConfig(state_dir=folder)) as replica:
        canister = deploy(replica, "rust/rust", 0).id
    known = 0
    for _ in range(kills):
        told = run_and_kill(folder, canister, random_number.randint(1, 40), checkpoint_bytes)
        assert told[0] > known, "an answered update was lost"
        assert told == list(range(told[0], told[0] + len(told)))
        known = told[-1]
    with Replica(ReplicaConfig(state_dir=folder)) as replica:
        # At most the update that was running when the process died may be there without an answer.
        assert known <= Called(replica, canister, did("rust/rust")).query("get") <= known + 1


@pytest.mark.parametrize("checkpoint_bytes", [0, 100_000, 1 << 30])
def test_a_few_kills(tmp_path, checkpoint_bytes):
    """Killed while journaling and while checkpointing, every answer stays true."""
    survives(tmp_path / "state", 3, checkpoint_bytes, seed=1)
