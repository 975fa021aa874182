"""The call log of a check: its last calls, short enough to be read."""

from __future__ import annotations

import pytest

from ic_harness.errors import BackendError
from ic_harness.testing.call_log import CallLog, RecordingClient, brief


class Client:
    """Something with methods."""

    limit = 3

    def put(self, session, data, *, last=False):
        return session + len(data) + last

    def refuse(self):
        raise BackendError("NotFound", "no such session")


@pytest.fixture
def story():
    return CallLog()


@pytest.fixture
def client(story):
    return RecordingClient(Client(), "alice", story)


def test_calls_are_told(client, story):
    """Who called what with what, and what came of it; blobs by length and first bytes."""
    assert client.put(1, b"12345", last=True) == 7
    assert str(story) == "alice: put(1, 5 bytes 31323334…, last=True) -> 7"


def test_refusals_are_told_and_raised(client, story):
    """A refusal is part of the log and still raised to the check."""
    with pytest.raises(BackendError):
        client.refuse()
    assert [step.outcome for step in story.steps] == ["NotFound: no such session"]


def test_values_are_no_calls(client, story):
    """Reading an attribute of the client is not recorded."""
    assert client.limit == 3
    assert story.steps == ()


def test_old_calls_are_counted_not_kept(client, story):
    """Of many calls the last forty are shown, the others counted."""
    for number in range(50):
        client.put(number, b"")
    assert len(story.steps) == 40
    assert str(story).startswith("… 10 earlier calls …\nalice: put(10,")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (b"", "bytes none"),
        (b"ab", "bytes 6162"),
        (b"abcde", "5 bytes 61626364…"),
        ("x" * 99, f"'{'x' * 58}…"),
    ],
)
def test_brief_fits_a_line(value, told):
    """Long values are cut."""
    assert brief(value) == told
