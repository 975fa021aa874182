"""Canisters in the journal: encoded once where nothing changed, and always as `to_plain` has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor
from ic_harness.replica.state.replicated_state import Canister, Change, Settings
from ic_harness.replica.store import to_plain
from ic_harness.replica.store.canister_writer import CanisterWriter


def change(number):
    return Change(
        time_ns=number, version=number, origin=b"o", origin_version=None, by_canister=False, kind="creation"
    )


@pytest.fixture
def canister():
    made = Canister(id=b"c", settings=Settings(controllers=(b"a",)), created_ns=5)
    made.remember(change(1))
    return made


def other_settings(canister):
    canister.settings = replace(canister.settings, freezing_threshold=7)


def one_more_change(canister):
    canister.remember(change(2))


def other_change_in_place(canister):
    canister.history[0] = change(3)


def no_history(canister):
    canister.history = []


def full_history(canister):
    for number in range(30):
        canister.remember(change(number))


def only_cycles(canister):
    canister.cycles += 1


STEPS = [other_settings, one_more_change, other_change_in_place, no_history, full_history, only_cycles]


@pytest.mark.parametrize("step", STEPS)
def test_what_is_written_is_what_the_canister_is(canister, step):
    """After any change the bytes are those of the whole record, encoded anew."""
    writer = CanisterWriter()
    for _ in range(2):
        assert cbor.encode(writer.write(b"c", canister)) == cbor.encode(to_plain(canister))
        step(canister)
        assert cbor.encode(writer.write(b"c", canister)) == cbor.encode(to_plain(canister))


def test_a_copy_and_another_canister_with_the_same_id_are_told_apart(canister):
    """A state that was put back brings other objects, or the same: both are written as they are."""
    writer = CanisterWriter()
    before = canister.copy()
    writer.write(b"c", canister)
    full_history(canister)
    for one in (canister, before, canister):
        assert cbor.encode(writer.write(b"c", one)) == cbor.encode(to_plain(one))


def test_a_deleted_canister_is_forgotten(canister):
    """Nothing is kept of a canister that is gone."""
    writer = CanisterWriter()
    writer.write(b"c", canister)
    assert writer.write(b"c", None) is None
    assert not writer._kept


def test_a_wrong_value_is_refused_each_time(canister):
    """What the reader would refuse stops every round that would write it."""
    writer = CanisterWriter()
    canister.settings = replace(canister.settings, freezing_threshold="long")
    for _ in range(2):
        with pytest.raises(StateError, match="where a int belongs"):
            writer.write(b"c", canister)


def test_a_text_that_cannot_be_encoded_is_left_to_the_journal(canister):
    """The writer does not fail where the journal names the file in its error."""
    writer = CanisterWriter()
    canister.settings = replace(canister.settings, environment_variables=(("name", "\ud800"),))
    written = writer.write(b"c", canister)
    assert written == to_plain(canister)
    with pytest.raises(CborError):
        cbor.encode(written)
