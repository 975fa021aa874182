"""Timers by Motoko's and ic-cdk's libraries, on a clock that the test moves."""

from __future__ import annotations

import pytest

from ic_harness.replica import ManualClock

from .lab import Fixture, Lab

pytestmark = pytest.mark.interop

SECOND = 1_000_000_000
ENOUGH = 8
"""Rounds in which a due timer, its call to itself and the reply have all run."""


@pytest.fixture
def still():
    """A lab whose time stands still."""
    with Lab.opened(clock=ManualClock()) as lab:
        yield lab


def _pass(lab, seconds):
    lab.replica.advance_time(int(seconds * SECOND))
    lab.replica.tick(ENOUGH)


def test_motoko_timers(still, generation):
    """A repeated timer fires each time, a single one once, a cancelled one not; a trap keeps nothing."""
    timers = still.deploy(f"{generation}/timers")
    repeated = timers.call("every", 2 * SECOND)
    timers.call("after", 3 * SECOND)
    timers.call("after_and_trap", SECOND)
    _pass(still, 1)
    assert timers.call("seen")["ticks"] == 0
    for ticks, once in ((1, 0), (1, 1), (2, 1)):
        _pass(still, 1)
        seen = timers.call("seen")
        assert (seen["ticks"], seen["once"]) == (ticks, once)
    assert 0 <= seen["lastAt"] - still.replica.clock.now_ns() < 1000  # a nanosecond passes each round
    timers.call("cancel", repeated)
    _pass(still, 10)
    assert timers.call("seen")["ticks"] == 2


def test_rust_timers(still):
    """ic-cdk's timers fire when they are due, once or again and again."""
    rust = still.deploy("rust/rust", 0)
    rust.call("after", 1500)
    rust.call("every", 1000)
    for ticks in (1, 3, 4):
        _pass(still, 1)
        assert rust.call("state")["ticks"] == ticks


def test_timers_end_with_an_upgrade(still):
    """An upgrade forgets timers: nothing fires in the new code."""
    rust = still.deploy("rust/rust", 0)
    rust.call("every", 1000)
    rust = rust.upgrade(Fixture("rust/rust"), 0)
    _pass(still, 5)
    assert rust.call("state")["ticks"] == 0
