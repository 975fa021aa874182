"""Deadlines: asking until there is an answer, and an end to it."""

from __future__ import annotations

from ic_harness.networks.deadline import LONGEST_PAUSE_S, Deadline


class FakeTime:
    def __init__(self):
        self.now, self.pauses = 100.0, []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


def deadline(seconds):
    fake = FakeTime()
    return Deadline(seconds, clock=fake.clock, sleep=fake.sleep), fake


def test_answer_is_given_at_once():
    """What is there already is not waited for."""
    until, fake = deadline(10.0)
    assert until.wait_for(lambda: "there") == "there"
    assert fake.pauses == []


def test_falsy_answers_count():
    """Only None is no answer: a status of 0 is one."""
    until, fake = deadline(10.0)
    assert until.wait_for(lambda: 0) == 0
    assert fake.pauses == []


def test_it_is_asked_until_the_end():
    """Without an answer it is asked, less and less often, until the time is over, and then None."""
    until, fake = deadline(10.0)
    assert until.wait_for(lambda: None) is None
    assert until.passed
    assert 10.0 <= fake.now - 100.0 < 10.0 + LONGEST_PAUSE_S
    assert fake.pauses == sorted(fake.pauses)
    assert fake.pauses[-1] == LONGEST_PAUSE_S


def test_it_is_asked_once_after_the_end():
    """A deadline that is over still asks once: what is there is not missed."""
    until, _ = deadline(0.0)
    assert until.passed
    assert until.wait_for(lambda: "there") == "there"


def test_one_deadline_bounds_several_waits():
    """The end does not move: what one wait took is missing for the next."""
    until, fake = deadline(10.0)
    until.wait_for(lambda: True if fake.now > 108.0 else None)
    until.wait_for(lambda: None)
    assert fake.now - 100.0 < 10.0 + LONGEST_PAUSE_S
