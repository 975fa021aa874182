"""Checks of UB1 to UB8: how sessions begin, and when they end by themselves."""

from __future__ import annotations

from functools import partial

from ic_capsule.backend import PersonRefOpaque
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import accepted, broken, equal, part, refused, require

_EXPIRY_S = 2 * 60 * 60
_MORE_THAN_ANY_LIMIT = 200


@check("UB1")
def chunk_counts_are_bounded(context: CheckContext) -> None:
    """Zero expected chunks and more than 16,384 are refused."""
    alice = context.caller()
    for count in (0, 16_385, 2**32 - 1):
        with refused(f"uploads_begin with {count} expected chunks", "InvalidArgument"):
            alice.begin(count)
    accepted("uploads_begin with 16,384 expected chunks", lambda: alice.begin(16_384))


@check("UB2")
def foreign_capsules_are_closed(context: CheckContext) -> None:
    """A session in an unknown capsule, or in one without the right to write, is refused."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    with refused("an upload into a capsule that does not exist", "NotFound"):
        alice.begin(1, capsule="capsule_that_is_not_there")
    with refused(
        "an upload into another caller's capsule",
        "Unauthorized",
        "NotFound",
        meaning="Other callers can fill a capsule that is not theirs.",
    ):
        mallory.begin(1, capsule=alice.capsule)


@check("UB3")
def same_idem_continues(context: CheckContext) -> None:
    """The same idem returns the same session with everything received so far."""
    alice = context.caller()
    sample = content(3000)
    chunks = sample.chunks(1000)
    first = alice.begin(3, "again")
    alice.put(first, chunks, [0, 2])
    second = alice.begin(3, "again")
    equal(
        second,
        first,
        "the session of the same capsule, caller and idem",
        "A client that lost a reply starts over.",
        fatal=True,
    )
    alice.put(second, chunks, [1])
    result = accepted(
        "finishing after only the missing chunk was sent",
        lambda: alice.finish(second, sample),
        "Chunks received before the second begin were lost, or the hash forgot them.",
    )
    equal(alice.read(result.blob_id), sample.data, "the blob of the continued session")


@check("UB4")
def same_idem_other_count(context: CheckContext) -> None:
    """The same idem with another expected_chunks is refused and harms nothing."""
    alice = context.caller()
    sample = content(2000)
    chunks = sample.chunks(1000)
    session = alice.begin(2, "count")
    alice.put(session, chunks, [0])
    with refused("the same idem with another expected_chunks", "Conflict", "InvalidArgument"):
        alice.begin(3, "count")
    alice.put(session, chunks, [1])
    accepted("finishing the session after the refusal", lambda: alice.finish(session, sample))


@check("UB5")
def idems_belong_to_caller_and_capsule(context: CheckContext) -> None:
    """The same idem of another caller is another session, and neither sees the other's bytes."""
    alice, bob = context.caller("alice"), context.caller("bob")
    mine, theirs = content(500, "alice"), content(500, "bob")
    first, second = alice.begin(1, "shared"), bob.begin(1, "shared")
    require(
        first != second,
        "two callers with the same idem share a session",
        "One overwrites the other's upload.",
        fatal=True,
    )
    alice.put(first, [mine.data])
    bob.put(second, [theirs.data])
    for caller, session, sample in ((alice, first, mine), (bob, second, theirs)):
        locator = caller.finish(session, sample).blob_id
        equal(caller.read(locator), sample.data, f"the blob of {caller.name}")


@check("UB5")
def idems_belong_to_the_capsule(context: CheckContext) -> None:
    """The same idem in another capsule of the same caller is another session."""
    alice = context.caller()
    other = _second_capsule(alice)
    first, second = alice.begin(1, "shared"), alice.begin(1, "shared", other)
    require(
        first != second, "one idem in two capsules shares a session", "A photo ends up in the wrong capsule."
    )


def _second_capsule(caller: Caller) -> str:
    return str(caller.backend.capsules_create(PersonRefOpaque(value="a relative")).id)


@check("UB6")
def committed_idem_answers_with_the_blob(context: CheckContext) -> None:
    """After a finished upload the same idem with the same content does not store the bytes twice."""
    alice = context.caller()
    sample = content(2000)
    first = alice.upload(sample, 1000, idem="twice")
    second = accepted("the same upload again", lambda: alice.upload(sample, 1000, idem="twice"))
    equal(second, first, "the blob of the same upload made twice", "Every retry of a script costs storage.")


@check("UB7")
def open_sessions_are_limited(context: CheckContext) -> None:
    """Past the limit comes ResourceExhausted; aborting one makes room; other callers are untouched."""
    alice, bob = context.caller("alice"), context.caller("bob")
    sessions = _open_until_exhausted(alice)
    accepted(
        "another caller's begin",
        lambda: bob.begin(1),
        "One caller can lock everybody out by leaving sessions open.",
    )
    alice.backend.uploads_abort(sessions[0])
    accepted("begin after an abort made room", lambda: alice.begin(1))


def _open_until_exhausted(caller: Caller) -> list[int]:
    sessions: list[int] = []
    for _ in range(_MORE_THAN_ANY_LIMIT):
        try:
            sessions.append(caller.begin(1))
        except BackendError as error:
            equal(error.tag, "ResourceExhausted", "the refusal of one session too many")
            return sessions
    raise broken(
        f"{len(sessions)} sessions are open at once",
        "A caller can use up the canister's memory with sessions.",
    )


@check("UB8")
def abandoned_sessions_expire(context: CheckContext) -> None:
    """Two hours after the last chunk a session is gone and its slot is free."""
    alice = context.caller()
    sessions = _open_until_exhausted(alice)
    sample = content(100)
    alice.put(sessions[0], [sample.data])
    context.advance(_EXPIRY_S + 60)
    with part():
        accepted(
            "begin after all sessions expired",
            lambda: alice.begin(1),
            "Abandoned uploads lock the capsule for ever.",
        )
    with refused("finishing an expired session", "NotFound"):
        alice.finish(sessions[0], sample)


@check("UB8")
def chunks_keep_a_session_open(context: CheckContext) -> None:
    """The time counts from the last chunk, so that an upload which goes on is not cut off."""
    alice = context.caller()
    sample = content(3000)
    chunks = sample.chunks(1000)
    session = alice.begin(3)
    meaning = "Uploads over slow lines are cut off while they go on."
    for index in range(3):
        send = partial(alice.put, session, chunks, [index])
        accepted("a chunk ninety minutes after the one before", send, meaning)
        context.advance(_EXPIRY_S * 3 // 4)
    accepted("finish ninety minutes after the last chunk", lambda: alice.finish(session, sample), meaning)
