"""Replicas for the tests: their clock stands still unless a test moves it."""

from __future__ import annotations

import os

import pytest

from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import CostSchedule, ManualClock, Replica, ReplicaConfig
from ic_harness.replica.rounds import scheduler
from ic_harness.replica.state.config import MESSAGE_OVERHEAD

from .store_support import fill, tree
from .subnets import deploy_pair, opened
from .support import Wire, deploy

START = 1_700_000_000_000_000_000


@pytest.fixture
def schedule():
    """Whether the replica charges: see `support.FREE`."""
    return CostSchedule.NORMAL


@pytest.fixture
def replica(schedule):
    config = ReplicaConfig(seed=b"test", clock=ManualClock(START), cost_schedule=schedule)
    with Replica(config) as running:
        yield running


@pytest.fixture
def room(monkeypatch):
    """`room(n)`: rounds have room for n messages of each canister, so calls between canisters take several."""
    return lambda messages: monkeypatch.setattr(scheduler, "ROUND_INSTRUCTIONS", messages * MESSAGE_OVERHEAD)


@pytest.fixture
def wire(replica):
    return Wire(replica, Ed25519Identity.from_seed(b"a" * 32))


@pytest.fixture
def rust(replica):
    """The Rust fixture canister, with 7 in its counter."""
    return deploy(replica, "rust/rust", 7)


@pytest.fixture
def other(replica, rust):
    return deploy(replica, "rust/rust", 100)


@pytest.fixture
def folder(tmp_path):
    """A state folder that does not exist yet."""
    return tmp_path / "state"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a small state folder, and what must be found after each of the frames in its journal."""
    folder = tmp_path_factory.mktemp("whole") / "state"
    views = fill(folder)
    return tree(folder), views


@pytest.fixture
def quick_disk(monkeypatch):
    """For tests that damage files and end processes, but cut no power: nothing need reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def several(schedule):
    """A network of an NNS and two application subnets."""
    with opened(cost_schedule=schedule) as running:
        yield running


@pytest.fixture
def pair(several):
    """A canister on each of the two application subnets, with 7 and 100 in their counters."""
    return deploy_pair(several)
