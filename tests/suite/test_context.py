"""The context of a check: stable callers, and unmet needs that are named."""

from __future__ import annotations

from typing import Any

import pytest

from ic_harness.networks import Capability
from ic_harness.testing.assertions import UnmetNeedError
from tests.testing.fake import CANISTER, OTHER, PrintedLine, context


def test_callers_stay_who_they_are():
    """A name is one caller within a check, and another name another caller."""
    scene = context()
    assert scene.caller("alice") is scene.caller("alice")
    assert scene.caller("alice").principal != scene.caller("bob").principal
    assert scene.anonymous().principal.is_anonymous


def test_idems_do_not_repeat():
    """No two idempotency keys of a check are the same, for any caller."""
    scene = context()
    idems = [scene.caller(name).idem() for name in ("alice", "bob", "alice")]
    assert len(set(idems)) == 3


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda scene: scene.upgrade(), "no Wasm to upgrade to"),
        (lambda scene: scene.advance(1), "fake cannot move its clock"),
        (lambda scene: scene.in_one_round([]), "several messages into one round"),
        (lambda scene: scene.instructions(lambda: None), "does not measure instructions"),
        (lambda scene: scene.controller(), "no identity that controls"),
    ],
)
def test_unmet_needs_are_told(ask, told):
    """A missing ability of network or canister is named, so that the check is skipped and never passed."""
    with pytest.raises(UnmetNeedError, match=told):
        ask(context())


def test_only_what_was_printed_meanwhile_is_told():
    """Lines of other canisters, and of before, are no business of the check."""
    scene = context(Capability.LOG_STREAM)
    network: Any = scene.network
    network.printed += [PrintedLine(CANISTER, "now"), PrintedLine(OTHER, "elsewhere")]
    assert scene.printed() == ("now",)
    assert context().printed() == ()


def test_calls_at_once_all_end_before_an_error_is_raised():
    """One failing call does not hide what the others did."""
    done = []

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        context().at_once([fail, *(lambda number=number: done.append(number) for number in range(5))])
    assert sorted(done) == [0, 1, 2, 3, 4]
