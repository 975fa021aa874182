"""The parts without a ledger or network: states, schedules, buckets, windows, classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_capsule.bulk import FailureClass, Stage, State, TokenBucket, UserBuckets
from ic_capsule.bulk.aimd import Window
from ic_capsule.bulk.backoff import EMBED_S, delay_s
from ic_capsule.bulk.classify import ChangedError, classify
from ic_capsule.bulk.progress import duration, percentile
from ic_capsule.bulk.states import FOLLOWS, NEXT, SETTLED, may_follow, sources
from ic_harness.errors import (
    BackendError,
    CallTimeoutError,
    HttpStatusError,
    ImageError,
    RejectError,
    TransportError,
    UploadError,
)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def highest(_low, high):
    """Dice that always draw the bound."""
    return high


# -- states -----------------------------------------------------------------------------------------------------


def test_every_state_has_a_row():
    """The table of transitions is complete, and `sources` is its inverse."""
    assert set(NEXT) == set(State)
    assert all(may_follow(before, after) for after in State for before in sources(after))


def test_settled_states_are_left_only_by_a_wish():
    """What is done, dead or skipped becomes ready or blocked again, and nothing else runs it."""
    assert all(State.LEASED not in NEXT[state] for state in SETTLED)


def test_stages_follow_each_other():
    """Upload, process, embed: each makes the next one ready."""
    assert FOLLOWS == {Stage.UPLOAD: Stage.PROCESS, Stage.PROCESS: Stage.EMBED}


# -- buckets: the limits of the seed ------------------------------------------------------------------------------


def test_a_bucket_is_used_up_and_refills():
    """100 at once, none left; a minute later ten."""
    clock = Clock()
    buckets = UserBuckets(clock)
    assert [buckets.consume("a").allowed for _ in range(150)] == [True] * 100 + [False] * 50
    clock.now += 60
    assert [buckets.consume("a").allowed for _ in range(11)] == [True] * 10 + [False]


def test_the_refusal_says_how_long_to_wait():
    """The next token of an empty bucket comes in six seconds."""
    clock = Clock()
    buckets = UserBuckets(clock)
    decisions = [buckets.consume("a") for _ in range(101)]
    assert decisions[99].remaining == 0
    assert (decisions[100].allowed, decisions[100].retry_after) == (False, 6)
    clock.now += 6
    assert buckets.consume("a").allowed


def test_users_do_not_share_a_bucket():
    """One who has used everything up does not slow another one down."""
    buckets = UserBuckets(Clock())
    for _ in range(100):
        buckets.consume("a")
    assert not buckets.consume("a").allowed
    assert buckets.consume("b").remaining == 99


def test_unused_buckets_are_forgotten():
    """A bucket that was not used for an hour is gone at the next look, ten minutes after the last one at most."""
    clock = Clock()
    buckets = UserBuckets(clock)
    buckets.consume("a")
    clock.now += 3601
    buckets.consume("b")
    assert len(buckets) == 1


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), max_size=40))
def test_a_bucket_never_gives_more_than_it_has(steps):
    """Whatever is asked for when: not more than the capacity and what came back since."""
    now, given_out = 0.0, 0
    bucket = TokenBucket(10, 0.5, now)
    for passed, count in steps:
        now += passed
        if bucket.take(count, now) == 0.0:
            given_out += count
        assert given_out <= 10 + 0.5 * now + 1e-6


def test_a_debt_is_paid_by_waiting():
    """What is taken beyond the capacity is waited for."""
    bucket = TokenBucket(100, 10, 0.0)
    assert bucket.owe(100, 0.0) == 0.0
    assert bucket.owe(50, 0.0) == pytest.approx(5.0)
    assert bucket.owe(0, 5.0) == 0.0


# -- windows ----------------------------------------------------------------------------------------------------


def test_a_window_doubles_and_then_grows_by_steps():
    """Full windows of good answers double it; after a failure it is halved and grows by one step each."""
    window = Window(4, step=1, floor=1, ceiling=64)
    for now in range(4):
        window.succeeded(1, 1.0, now)
    assert window.limit == 8
    window.failed(10)
    assert window.limit == 4
    for now in range(4):
        window.succeeded(1, 1.0, 20 + now)
    assert window.limit == 5


def test_failures_of_one_round_trip_halve_once():
    """Ten calls that were under way together and fail together are one sign, not ten."""
    window = Window(16, step=1, floor=1, ceiling=64)
    window.succeeded(1, 2.0, 0.0)
    for now in (1.0, 1.5, 2.5):
        window.failed(now)
    assert window.limit == 8
    window.failed(3.5)
    assert window.limit == 4


def test_a_window_keeps_its_bounds():
    """Neither failures nor successes lead beyond floor and ceiling."""
    window = Window(4, step=3, floor=2, ceiling=10)
    for now in range(100):
        window.failed(now * 10.0)
    assert window.limit == 2
    for now in range(100):
        window.succeeded(5, 0.1, 2000.0 + now)
    assert window.limit == 10


def test_a_queue_at_the_other_end_narrows_the_window():
    """When answers take more than twice the best of the last minute, more calls at once would only wait."""
    window = Window(16, step=1, floor=4, ceiling=64)
    window.succeeded(1, 0.1, 0.0)
    for now in range(1, 59):
        window.succeeded(64, 1.0, now)
    assert window.limit < 16


# -- schedules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "bounds"),
    [
        (FailureClass.NETWORK, [1, 2, 4, 8, 16, 32, 60, 60]),
        (FailureClass.SERVER, [1, 2, 4]),
        (FailureClass.RATE_LIMIT, [1, 5, 25, 125, 625, 900]),
    ],
)
def test_schedules_grow_to_their_bound(cls, bounds):
    """Factor two up to a minute; factor five up to a quarter of an hour for rate limits."""
    assert [delay_s(cls, n, highest, stage=Stage.UPLOAD) for n in range(1, len(bounds) + 1)] == bounds


def test_jitter_is_full():
    """A wait is drawn from nothing up to the bound."""
    seen = []

    def lowest(low, high):
        seen.append((low, high))
        return low

    delay_s(FailureClass.NETWORK, 3, lowest, stage=Stage.UPLOAD)
    assert seen == [(0.0, 4.0)]


def test_what_the_network_asks_for_is_waited_in_full():
    """`Retry-After` is the least that is waited."""
    assert delay_s(FailureClass.RATE_LIMIT, 1, lambda low, _: low, stage=Stage.UPLOAD, retry_after_s=90) == 90


def test_the_embed_stage_has_its_own_schedule():
    """1, 5, 15 minutes, 1 and 6 hours."""
    waits = [delay_s(FailureClass.SERVER, n, highest, stage=Stage.EMBED) for n in range(1, 7)]
    assert waits == [*EMBED_S, EMBED_S[-1]]


# -- classes ----------------------------------------------------------------------------------------------------


def busy(seconds):
    """A 429 that asks for a wait."""
    error = HttpStatusError(429, "slow down")
    error.retry_after_s = seconds
    return error


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (busy(3.0), FailureClass.RATE_LIMIT),
        (HttpStatusError(503, ""), FailureClass.RATE_LIMIT),
        (HttpStatusError(500, ""), FailureClass.SERVER),
        (HttpStatusError(400, ""), FailureClass.UNKNOWN),
        (TransportError("gone"), FailureClass.NETWORK),
        (CallTimeoutError("late"), FailureClass.NETWORK),
        (RejectError(5, "trapped"), FailureClass.SERVER),
        (BackendError("InvalidArgument", "no"), FailureClass.INVALID),
        (BackendError("ResourceExhausted", method="memories_create"), FailureClass.INVALID),
        (BackendError("ResourceExhausted", method="uploads_begin"), FailureClass.RATE_LIMIT),
        (BackendError("Internal", "bug"), FailureClass.SERVER),
        (ImageError("no image"), FailureClass.INVALID),
        (ChangedError("changed"), FailureClass.INVALID),
        (PermissionError(13, "denied"), FailureClass.INVALID),
        (UploadError("wrapped", detail=ImageError("no image")), FailureClass.INVALID),
        (ExceptionGroup("lanes", [TransportError("x"), ImageError("y")]), FailureClass.INVALID),
        (ValueError("bug"), FailureClass.UNKNOWN),
    ],
)
def test_errors_have_classes(error, cls):
    """Every error has the class that decides about its next try."""
    assert classify(error).cls is cls


def test_a_rate_limit_spends_no_try():
    """As long as the network says that it has too much to do, and says for how long."""
    failure = classify(busy(3.0))
    assert (failure.counts, failure.retry_after_s) == (False, 3.0)
    assert classify(TransportError("x")).counts


def test_texts_of_failures_are_safe_to_show():
    """One line, without control sequences, of a bounded length."""
    text = classify(BackendError("Internal", "\x1b[31m" + "x" * 9000 + "\n")).text
    assert "\x1b" not in text
    assert "\n" not in text
    assert len(text) <= 500


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "words"), [(40, "40 s"), (720, "12 min"), (12000, "3 h 20 min")])
def test_durations(seconds, words):
    """Seconds as a person says them."""
    assert duration(seconds) == words


def test_percentiles_of_nothing():
    """No values have no percentile; one value is all of them."""
    assert percentile([], 0.5) is None
    assert percentile([3.0], 0.99) == 3.0
