"""The stage: callers who are the same all along, and needs that are told by name."""

from __future__ import annotations

import pytest

from ic_harness.networks import Capability
from ic_harness.testing.expectations import UnmetNeedError

from .fake import CANISTER, PrintedLine, stage


def test_callers_stay_who_they_are():
    """A name is one caller within a check, and another name another caller."""
    scene = stage()
    assert scene.caller("alice") is scene.caller("alice")
    assert scene.caller("alice").principal != scene.caller("bob").principal
    assert scene.anonymous().principal.is_anonymous


def test_idems_do_not_repeat():
    """No two idempotency keys of a check are the same, whoever asks."""
    scene = stage()
    idems = [scene.caller(name).idem() for name in ("alice", "bob", "alice")]
    assert len(set(idems)) == 3


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda scene: scene.upgrade(), "no Wasm to upgrade to"),
        (lambda scene: scene.advance(1), "fake cannot move its clock"),
        (lambda scene: scene.in_one_round([]), "several messages into one round"),
        (lambda scene: scene.instructions(lambda: None), "does not tell instructions"),
        (lambda scene: scene.controller(), "no identity that controls"),
    ],
)
def test_unmet_needs_are_told(ask, told):
    """What network or canister cannot give is named, so that the check is skipped and never passed."""
    with pytest.raises(UnmetNeedError, match=told):
        ask(stage())


def test_only_what_was_printed_meanwhile_is_told():
    """Lines of other canisters, and of before, are no business of the check."""
    scene = stage(Capability.LOG_STREAM)
    scene.network.printed += [PrintedLine(CANISTER, "now"), PrintedLine(None, "elsewhere")]
    assert scene.printed() == ("now",)
    assert stage().printed() == ()


def test_calls_at_once_all_end_before_an_error_is_raised():
    """One failing call does not hide what the others did."""
    done = []

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage().at_once([fail, *(lambda number=number: done.append(number) for number in range(5))])
    assert sorted(done) == [0, 1, 2, 3, 4]
