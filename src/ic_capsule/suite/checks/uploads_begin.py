"""Checks of UB1 to UB8: how sessions begin, and when they end by themselves."""

from __future__ import annotations

from functools import partial

from ic_capsule.backend import PersonRefOpaque
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.material import content
from ic_capsule.suite.stage import Caller, Stage
from ic_harness.errors import BackendError
from ic_harness.testing.expectations import accepted, broken, equal, part, refused, require

_EXPIRY_S = 2 * 60 * 60
_MORE_THAN_ANY_LIMIT = 200


@check("UB1")
def chunk_counts_are_bounded(stage: Stage) -> None:
    """Zero expected chunks and more than 16,384 are refused."""
    alice = stage.caller()
    for count in (0, 16_385, 2**32 - 1):
        with refused(f"uploads_begin with {count} expected chunks", "InvalidArgument"):
            alice.begin(count)
    accepted("uploads_begin with 16,384 expected chunks", lambda: alice.begin(16_384))


@check("UB2")
def foreign_capsules_are_closed(stage: Stage) -> None:
    """Nobody opens a session in a capsule that is not there, or not theirs to write."""
    alice, mallory = stage.caller("alice"), stage.caller("mallory")
    with refused("an upload into a capsule that does not exist", "NotFound"):
        alice.begin(1, capsule="capsule_that_is_not_there")
    with refused(
        "an upload into another caller's capsule",
        "Unauthorized",
        "NotFound",
        meaning="Strangers can fill a capsule that is not theirs.",
    ):
        mallory.begin(1, capsule=alice.capsule)


@check("UB3")
def same_idem_continues(stage: Stage) -> None:
    """The same idem gives the same session with everything received so far."""
    alice = stage.caller()
    material = content(3000)
    chunks = material.chunks(1000)
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
        lambda: alice.finish(second, material),
        "Chunks received before the second begin were lost, or the hash forgot them.",
    )
    equal(alice.read(result.blob_id), material.data, "the blob of the continued session")


@check("UB4")
def same_idem_other_count(stage: Stage) -> None:
    """The same idem with another expected_chunks is refused and harms nothing."""
    alice = stage.caller()
    material = content(2000)
    chunks = material.chunks(1000)
    session = alice.begin(2, "count")
    alice.put(session, chunks, [0])
    with refused("the same idem with another expected_chunks", "Conflict", "InvalidArgument"):
        alice.begin(3, "count")
    alice.put(session, chunks, [1])
    accepted("finishing the session after the refusal", lambda: alice.finish(session, material))


@check("UB5")
def idems_belong_to_caller_and_capsule(stage: Stage) -> None:
    """The same idem of another caller is another session, and neither sees the other's bytes."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
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
    for caller, session, material in ((alice, first, mine), (bob, second, theirs)):
        locator = caller.finish(session, material).blob_id
        equal(caller.read(locator), material.data, f"the blob of {caller.name}")


@check("UB5")
def idems_belong_to_the_capsule(stage: Stage) -> None:
    """The same idem in another capsule of the same caller is another session."""
    alice = stage.caller()
    other = _second_capsule(alice)
    first, second = alice.begin(1, "shared"), alice.begin(1, "shared", other)
    require(
        first != second, "one idem in two capsules shares a session", "A photo ends up in the wrong capsule."
    )


def _second_capsule(caller: Caller) -> str:
    return str(caller.backend.capsules_create(PersonRefOpaque(value="a relative")).id)


@check("UB6")
def committed_idem_answers_with_the_blob(stage: Stage) -> None:
    """After a finished upload the same idem with the same content does not store the bytes twice."""
    alice = stage.caller()
    material = content(2000)
    first = alice.upload(material, 1000, idem="twice")
    second = accepted("the same upload again", lambda: alice.upload(material, 1000, idem="twice"))
    equal(second, first, "the blob of the same upload made twice", "Every retry of a script costs storage.")


@check("UB7")
def open_sessions_are_limited(stage: Stage) -> None:
    """Past the limit comes ResourceExhausted; aborting one makes room; other callers are untouched."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
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
def abandoned_sessions_expire(stage: Stage) -> None:
    """Two hours after the last chunk a session is gone and its slot is free."""
    alice = stage.caller()
    sessions = _open_until_exhausted(alice)
    material = content(100)
    alice.put(sessions[0], [material.data])
    stage.advance(_EXPIRY_S + 60)
    with part():
        accepted(
            "begin after all sessions expired",
            lambda: alice.begin(1),
            "Abandoned uploads lock the capsule for ever.",
        )
    with refused("finishing an expired session", "NotFound"):
        alice.finish(sessions[0], material)


@check("UB8")
def chunks_keep_a_session_open(stage: Stage) -> None:
    """The time counts from the last chunk, so that an upload which goes on is not cut off."""
    alice = stage.caller()
    material = content(3000)
    chunks = material.chunks(1000)
    session = alice.begin(3)
    meaning = "Uploads over slow lines are cut off while they go on."
    for index in range(3):
        send = partial(alice.put, session, chunks, [index])
        accepted("a chunk ninety minutes after the one before", send, meaning)
        stage.advance(_EXPIRY_S * 3 // 4)
    accepted("finish ninety minutes after the last chunk", lambda: alice.finish(session, material), meaning)
