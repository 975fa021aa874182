"""Interrupts at any moment: no crash, no lost interrupt, nothing half made, and the network goes on."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ic_harness.errors import HarnessError
from ic_harness.replica import Replica, ReplicaConfig
from tests.amounts import amount
from tests.replica.restless import CHAIN, HEARTBEAT, endless, restless
from tests.replica.support import BOB, deploy

CHILD = Path(__file__).with_name("interrupt_child.py")


@pytest.mark.parametrize("receiver", ["process", "thread"])
@pytest.mark.parametrize(
    ("count", "seed"),
    [(20, 1), pytest.param(amount(60, thorough=300), 2, marks=pytest.mark.slow)],
    ids=["few", "many"],
)
def test_ctrl_c_at_random_moments(count, seed, receiver):
    """Each SIGINT while calls, loops, queries, ticks and restores run is one KeyboardInterrupt, and all goes on."""
    command = [sys.executable, str(CHILD), str(count), str(seed), receiver]
    child = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert child.returncode == 0, (child.returncode, child.stderr[-3000:])
    assert json.loads(child.stdout.splitlines()[-1])["interrupts"] == count


@pytest.mark.parametrize(
    "count", [20, pytest.param(amount(60, thorough=500), marks=pytest.mark.slow, id="many")]
)
def test_stops_at_random_moments(count, tmp_path):
    """A replica stops whatever it does, with a state folder and without, and every caller is let go.

    A folder is opened again three times, with all that was left unfinished in it.
    """
    moments = random.Random(count)
    for number in range(count):
        folder = tmp_path / f"state-{number // 6}" if number % 2 else None
        replica = Replica(ReplicaConfig(state_dir=folder))
        callers = [
            threading.Thread(target=call, args=(replica, action)) for action in actions(replica, number)
        ]
        for caller in callers:
            caller.start()
        threading.Event().wait(moments.random() * 0.01)
        replica.close()
        for caller in callers:
            caller.join(60)
            assert not caller.is_alive()


def call(replica, action):
    try:
        action(replica)
    except HarnessError:
        return  # the replica was closed meanwhile


def actions(replica, number):
    """Some of what keeps a replica busy, other things at every `number`."""
    loop, other = endless(replica), deploy(replica, "rust/rust", 0)
    beating = restless(replica, CHAIN if number % 3 else HEARTBEAT)
    everything = [
        lambda r: r.execute_update(BOB, loop, "write", b""),
        lambda r: r.execute_query(BOB, loop, "look", b""),
        lambda r: [r.execute_update(BOB, beating, "m", b"") for _ in range(10_000)],
        lambda r: [r.restore(r.snapshot()) for _ in range(1_000)],
        lambda r: [r.tick() for _ in range(1_000)],
        lambda r: [r.in_one_round([lambda: other.update("add", 1)] * 3) for _ in range(1_000)],
    ]
    return [action for place, action in enumerate(everything) if number >> place & 1]
