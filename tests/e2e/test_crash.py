"""Killed at random moments under running uploads, the network loses nothing that it has answered."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ic_capsule.backend import reference_wasm
from ic_harness.networks import embedded
from tests.amounts import amount

CHILD = Path(__file__).with_name("crash_uploader.py")
SOURCE = Path(__file__).resolve().parents[2] / "src"


def run_and_kill(folder, canister, ledger, answers, checkpoint_bytes):
    """Let the uploads get so many answers, kill the process in the middle of the next ones; its answers."""
    command = [sys.executable, str(CHILD), str(folder), str(canister), str(ledger), str(checkpoint_bytes)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(answers)]
        child.send_signal(signal.SIGKILL)
        told += [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    assert told[0] == b'["checked"]\n', "an answer of an earlier process is not true any more (see above)"
    return told[1:]


def survives(folder, kills, checkpoint_bytes, seed):
    """Kill so many times; each process checks what the ones before it were answered. Gives all answers."""
    chance = random.Random(seed)
    with embedded(folder / "state") as network:
        canister = network.deploy(reference_wasm())
    ledger = folder / "ledger"
    ledger.touch()
    for _ in range(kills):
        told = run_and_kill(folder / "state", canister, ledger, chance.randint(1, 30), checkpoint_bytes)
        with ledger.open("ab") as file:
            file.writelines(told)
    run_and_kill(folder / "state", canister, ledger, 1, checkpoint_bytes)
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "checkpoint_bytes"),
    [
        (amount(5, thorough=20), 0),
        *((amount(15, thorough=60), size) for size in (300_000, 2_000_000, 1 << 30)),
    ],
    ids=["checkpoint always", "300 kB", "2 MB", "checkpoint never"],
)
def test_kills_under_uploads(tmp_path, kills, checkpoint_bytes):
    """After every kill, every answered chunk, blob, memory and deletion is still there, byte for byte."""
    answers = survives(tmp_path, kills, checkpoint_bytes, seed=checkpoint_bytes)
    seen = {what for what, *_ in answers}
    assert seen >= {"session", "put", "blob", "memory", "deleted"}
