"""Checks of UC1 to UC9: chunks of any size and order, repeated, from other callers, and across upgrades."""

from __future__ import annotations

import random
from functools import partial

from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, content
from ic_harness.testing.assertions import accepted, equal, part, refused


def _finish_and_compare(caller: Caller, session: int, sample: Content, meaning: str) -> None:
    result = accepted(
        f"finish by {caller.name} with the true hash", lambda: caller.finish(session, sample), meaning
    )
    equal(caller.read(result.blob_id), sample.data, f"the blob of {caller.name}", meaning)


@check("UC1")
def chunk_size_is_a_limit(context: CheckContext) -> None:
    """A chunk of exactly chunk_size is accepted, one byte more is not, and the session goes on."""
    alice = context.caller()
    size = alice.config.chunk_size
    sample = content(size)
    session = alice.begin(1)
    with refused(f"a chunk of {size + 1} bytes", "InvalidArgument", fatal=True):
        alice.put(session, [sample.data + b"!"])
    accepted(f"a chunk of {size} bytes", lambda: alice.put(session, [sample.data]))
    _finish_and_compare(alice, session, sample, "The refused chunk spoiled the session.")


@check("UC2")
def bad_chunks_are_refused(context: CheckContext) -> None:
    """An index out of range, an empty chunk and an unknown session are refused, and harm nothing."""
    alice = context.caller()
    sample = content(10)
    session = alice.begin(1)
    for index in (1, 2**32 - 1):
        with refused(f"chunk {index} of 1", "InvalidArgument"):
            alice.backend.uploads_put_chunk(session, index, b"x")
    with refused("an empty chunk", "InvalidArgument"):
        alice.backend.uploads_put_chunk(session, 0, b"")
    with refused("a chunk for an unknown session", "NotFound"):
        alice.backend.uploads_put_chunk(2**63 + 12345, 0, b"x")
    alice.put(session, [sample.data])
    _finish_and_compare(alice, session, sample, "A refused chunk spoiled the session.")


@check("UC3")
def the_same_chunk_again(context: CheckContext) -> None:
    """The same chunk again is harmless; other bytes for a received index are refused."""
    alice = context.caller()
    sample = content(2000)
    chunks = sample.chunks(1000)
    session = alice.begin(2)
    alice.put(session, chunks, [0])
    with part():
        accepted(
            "the same chunk again",
            lambda: alice.put(session, chunks, [0]),
            "A client that lost a reply cannot go on.",
        )
    with refused("other bytes for a received index", "Conflict", "InvalidArgument"):
        alice.backend.uploads_put_chunk(session, 0, bytes(1000))
    alice.put(session, chunks, [1])
    _finish_and_compare(alice, session, sample, "Sending a chunk again changed the hash or the bytes.")


@check("UC4")
def chunks_in_any_order(context: CheckContext) -> None:
    """Reversed and shuffled chunks result in the same blob as chunks in order."""
    alice = context.caller()
    sample = content(7300)
    chunks = sample.chunks(1000)
    shuffled = list(range(len(chunks)))
    random.Random(7).shuffle(shuffled)  # noqa: S311 - an order, no secret
    for order in (list(reversed(range(len(chunks)))), shuffled):
        with part():
            session = alice.begin(len(chunks))
            alice.put(session, chunks, order)
            _finish_and_compare(
                alice, session, sample, f"The hash depends on the order in which chunks arrive: {order}."
            )


@check("UC5")
def chunks_in_flight_at_once(context: CheckContext) -> None:
    """Many chunks of one session at the same time result in the same blob."""
    alice = context.caller()
    sample = content(24_000)
    chunks = sample.chunks(1000)
    session = alice.begin(len(chunks))
    order = random.Random(5).sample(range(len(chunks)), len(chunks))  # noqa: S311 - an order, no secret
    context.at_once([partial(alice.put, session, chunks, [index]) for index in order])
    _finish_and_compare(alice, session, sample, "Chunks sent in parallel spoil each other.")


@check("UC6")
def strangers_cannot_put(context: CheckContext) -> None:
    """A chunk from another caller is refused and changes nothing."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    sample = content(2000)
    chunks = sample.chunks(1000)
    session = alice.begin(2)
    alice.put(session, chunks, [0])
    meaning = "Another caller's chunk changed the hash of your session."
    for index in (0, 1):
        with refused("another caller's chunk", "Unauthorized", "NotFound", meaning=meaning):
            mallory.backend.uploads_put_chunk(session, index, b"spoiled")
    alice.put(session, chunks, [1])
    _finish_and_compare(alice, session, sample, meaning)


@check("UC7")
def sessions_are_isolated(context: CheckContext) -> None:
    """Sessions of one and of several callers, interleaved chunk by chunk, each keep their own bytes."""
    callers = [context.caller(name) for name in ("alice", "alice", "bob", "carol")]
    samples = [content(5000, number) for number in range(len(callers))]
    sessions = [caller.begin(5) for caller in callers]
    for index in range(5):
        for caller, session, sample in zip(callers, sessions, samples, strict=True):
            caller.put(session, sample.chunks(1000), [index])
    for caller, session, sample in zip(callers, sessions, samples, strict=True):
        with part():
            _finish_and_compare(caller, session, sample, "Parallel sessions overwrite each other.")


@check("UC8")
def chunks_of_any_size(context: CheckContext) -> None:
    """Chunks of uneven sizes add up to the blob."""
    alice = context.caller()
    pieces = [content(size, size).data for size in (1, 1000, 17, 1, 4096)]
    sample = Content(b"".join(pieces))
    session = alice.begin(len(pieces))
    alice.put(session, pieces)
    _finish_and_compare(
        alice, session, sample, "Chunks must have equal sizes, which the interface does not say."
    )


@check("UC9")
def sessions_survive_an_upgrade(context: CheckContext) -> None:
    """An upload that is half way when the canister is upgraded goes on."""
    alice = context.caller()
    sample = content(4000)
    chunks = sample.chunks(1000)
    session = alice.begin(4)
    alice.put(session, chunks, [0, 2])
    context.upgrade()
    meaning = "Uploads in progress are lost at every deploy."
    accepted("chunks after the upgrade", lambda: alice.put(session, chunks, [1, 3]), meaning)
    _finish_and_compare(alice, session, sample, meaning)
