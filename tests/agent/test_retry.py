"""The retry policy as a table: which statuses are retried, how often, and after which delay."""

from email.utils import formatdate

import pytest

from ic_harness.agent import Response, RetryPolicy
from ic_harness.agent.retry import NO_RETRIES, Attempts, jitter, retry_after_s, retryable, status_error
from ic_harness.errors import HttpStatusError, TransportError

STEADY = RetryPolicy(spread=lambda: 1.0)
LOST = TransportError("connection reset")


def delays(failure, policy=STEADY, retry_after=None):
    """The delays between attempts that all fail in this way."""
    attempts, found = Attempts(policy), []
    while (delay := attempts.next_delay(failure, retry_after)) is not None:
        found.append(delay)
    return found


def test_statuses_after_which_a_retry_makes_sense():
    """A time-out, overload and faults of servers and proxies pass; what a server cannot do, it cannot do later."""
    retried = {status for status in range(200, 700) if retryable(Response(status, {}, b"")) is not None}
    assert retried == {408, 429, *range(500, 600)} - {501, 505}


def test_a_broken_network_gets_four_attempts():
    """Delays double from 0.2 s; a status of a broken server counts like a lost connection."""
    assert delays(LOST) == delays(HttpStatusError(502, "bad gateway")) == [0.2, 0.4, 0.8]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_network_gets_twelve_attempts(status):
    """Overload is waited for longer, with delays of at most 10 s."""
    assert delays(HttpStatusError(status, "busy")) == pytest.approx(
        [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, *[10.0] * 5]
    )


def test_failures_and_overload_are_counted_apart():
    """An attempt that met overload takes none from those of a broken network."""
    attempts = Attempts(STEADY)
    for _ in range(11):
        assert attempts.next_delay(HttpStatusError(503, "busy"), None) is not None
    assert [attempts.next_delay(LOST, None) for _ in range(4)] == [0.2, 0.4, 0.8, None]
    assert attempts.next_delay(HttpStatusError(503, "busy"), None) is None


def test_no_retries():
    """The policy of one attempt allows no second one, whatever the network wishes."""
    assert delays(LOST, NO_RETRIES) == delays(HttpStatusError(429, "busy"), NO_RETRIES, 1.0) == []


@pytest.mark.parametrize(("wished", "expected"), [(0.0, [0.0] * 3), (60.0, [60.0] * 3), (60.5, [])])
def test_a_wish_of_the_network_goes_before_the_policy(wished, expected):
    """`Retry-After` replaces the delay; above a minute the failure is raised instead."""
    assert delays(LOST, retry_after=wished) == expected


def test_jitter_is_between_a_half_and_one():
    """Clients that failed together return spread over half of the delay."""
    factors = [jitter() for _ in range(1000)]
    assert 0.5 <= min(factors) < 0.6
    assert 0.9 < max(factors) <= 1.0


NOW = 1_700_000_000 * 10**9
HEADERS = {
    "seconds": ("7", 7.0),
    "zero": ("0", 0.0),
    "spaces": (" 7 ", 7.0),
    "date": (formatdate(1_700_000_030, usegmt=True), 30.0),
    "date in the past": (formatdate(1_600_000_000, usegmt=True), 0.0),
    "other digits": ("\u0667", None),
    "text": ("soon", None),
    "empty": ("", None),
}


@pytest.mark.parametrize(("text", "expected"), HEADERS.values(), ids=HEADERS)
def test_retry_after(text, expected):
    """The header is a number of seconds or a date (RFC 9110, section 10.2.3); anything else counts as missing."""
    assert retry_after_s(Response(503, {"retry-after": text}, b""), NOW) == expected
    assert retry_after_s(Response(503, {}, b""), NOW) is None


def test_the_error_of_a_status_is_short():
    """The error shows the status and at most 300 characters of the body."""
    assert status_error(Response(500, {}, "ü".encode() * 1000)).body == "ü" * 300
    assert status_error(Response(500, {}, b" \n")).body == "(empty body)"
