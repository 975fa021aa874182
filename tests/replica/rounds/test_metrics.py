"""What rounds leave to later: figures are made when they are read; rounds without a waiting caller rest."""

from __future__ import annotations

import pytest

from ic_harness.replica.rounds import pacing as pacing_module
from ic_harness.replica.rounds.metrics import KEPT, Figures
from ic_harness.replica.rounds.pacing import PAUSE_S, UNATTENDED, Pacing
from ic_harness.replica.state.delta import MessageCost

CANISTER = b"\x00\x01"


def cost(what: str) -> tuple[bytes, MessageCost]:
    """What a message cost, as rounds record it."""
    return CANISTER, MessageCost(what, 10, -3, False)


def query(what: str) -> tuple[bytes, MessageCost]:
    """What a query cost."""
    return CANISTER, MessageCost(what, 1, 0, False)


def test_rounds_come_before_what_is_added_later():
    """A query that was answered after a round stands behind its messages; one can come back for what is new."""
    figures = Figures()
    figures.rounds.append((6, [cost("first"), cost("second")], False))
    figures.rounds.append((7, [query("third")], True))
    figures.rounds.append((8, [cost("fourth")], False))
    number, found = figures.since()
    assert (number, [one.what for one in found]) == (4, ["first", "second", "third", "fourth"])
    assert [(one.round, one.cycles, one.query) for one in found[1:3]] == [(6, -3, False), (7, 0, True)]
    assert figures.since(1) == (4, found[1:]), "from the middle of a round"
    assert figures.since(3) == (4, found[3:])
    assert figures.since(4) == figures.since(5) == (4, [])
    assert figures.since(-1) == (4, found)


def test_numbers_go_on_when_old_entries_are_forgotten():
    """Only the newest are kept, and numbers count those that were dropped."""
    figures = Figures()
    for number in range(0, KEPT + 6, 2):
        figures.rounds.append((number, [cost(str(number)), cost(str(number + 1))], False))
    count, found = figures.since()
    assert (count, len(found), found[0].what) == (KEPT + 6, KEPT, "6")
    assert [one.what for one in figures.since(KEPT + 5)[1]] == [str(KEPT + 5)]
    assert len(figures._kept) == KEPT // 2
    figures.rounds.append((0, [cost("large")] * (2 * KEPT), False))
    count, found = figures.since()
    assert (count, len(found), found[0].what) == (3 * KEPT + 6, KEPT, "large")
    assert len(figures._kept) == 1


def test_rounds_slow_down_when_nobody_waits(monkeypatch):
    """A short chain of rounds is quick, a longer one rests; a caller that waits makes it quick again."""
    monkeypatch.setattr(pacing_module, "monotonic_s", lambda: 5.0)
    pacing = Pacing()
    for _ in range(UNATTENDED - 1):
        pacing.ran()
    assert pacing.rest_s() == 0
    pacing.ran()
    assert pacing.rest_s() == pytest.approx(PAUSE_S)
    pacing.unattended = 0
    assert pacing.rest_s() == 0
