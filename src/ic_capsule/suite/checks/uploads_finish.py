"""Checks of UF1 to UF9: what finish verifies, how it can be repeated, and what abort leaves."""

from __future__ import annotations

import re

from ic_capsule.backend import StorageBackend
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, content
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import NotApplicableError, accepted, equal, part, refused, require

_NANOS_PER_YEAR = 365 * 86_400 * 10**9


def _half(caller: Caller) -> tuple[int, Content, list[bytes]]:
    """Open a session of two chunks with both received."""
    sample = content(2000, caller.name)
    chunks = sample.chunks(1000)
    session = caller.begin(2)
    caller.put(session, chunks)
    return session, sample, chunks


@check("UF1")
def finish_tells_the_truth(context: CheckContext) -> None:
    """The result of finish carries locator, size, checksum, place and time."""
    alice = context.caller()
    session, sample, _ = _half(alice)
    result = accepted("finish with true hash and length", lambda: alice.finish(session, sample))
    require(
        re.fullmatch(r"blob_(0|[1-9][0-9]*)", result.blob_id),
        f"blob_id is {result.blob_id!r}, not blob_<decimal>",
    )
    equal(result.size, sample.size, "size")
    equal(result.checksum_sha256, sample.sha256, "checksum_sha256")
    equal(result.storage_backend, StorageBackend.Icp, "storage_backend")
    equal(result.storage_location, f"icp://blob/{result.blob_id}", "storage_location")
    years = result.uploaded_at / _NANOS_PER_YEAR
    require(45 < years < 500, f"uploaded_at {result.uploaded_at} is no time in nanoseconds since 1970")


@check("UF2")
def wrong_hash_is_refused(context: CheckContext) -> None:
    """A wrong hash is refused as checksum_mismatch, and the right one then succeeds."""
    alice = context.caller()
    session, sample, _ = _half(alice)
    with refused("a wrong hash", "InvalidArgument", text="checksum_mismatch", fatal=True):
        alice.backend.uploads_finish(session, bytes(32), sample.size)
    accepted(
        "finish with the right hash after a wrong one",
        lambda: alice.finish(session, sample),
        "One wrong hash costs the whole upload.",
    )


@check("UF3")
def wrong_length_is_refused(context: CheckContext) -> None:
    """A wrong total length is refused, and the right one then succeeds."""
    alice = context.caller()
    session, sample, _ = _half(alice)
    for length in (0, sample.size - 1, sample.size + 1, 2**64 - 1):
        with refused(f"a total length of {length} for {sample.size} bytes", "InvalidArgument", fatal=True):
            alice.backend.uploads_finish(session, sample.sha256, length)
    accepted("finish with the right length after wrong ones", lambda: alice.finish(session, sample))


@check("UF4")
def hashes_have_32_bytes(context: CheckContext) -> None:
    """A hash of another length is an InvalidArgument, never a trap."""
    alice = context.caller()
    session, sample, _ = _half(alice)
    for length in (0, 7, 31, 33):
        with refused(f"a hash of {length} bytes", "InvalidArgument", fatal=True):
            alice.backend.uploads_finish(session, bytes(length), sample.size)
    accepted("finish with 32 bytes after hashes of wrong lengths", lambda: alice.finish(session, sample))


@check("UF5")
def missing_chunks_are_named(context: CheckContext) -> None:
    """With chunks missing the error names them, and the session goes on."""
    alice = context.caller()
    sample = content(9000)
    chunks = sample.chunks(1000)
    session = alice.begin(9)
    alice.put(session, chunks, [0, 1, 3, 4, 5, 6, 8])
    try:
        alice.finish(session, sample)
    except BackendError as error:
        named = [int(number) for number in re.findall(r"\d+", error.detail or "")]
        require({2, 7} <= set(named), f"chunks 2 and 7 are missing, but the error says {error.message!r}")
    else:
        require(
            holds=False,
            what="finish with two chunks missing was accepted",
            meaning="Blobs with holes are stored.",
            fatal=True,
        )
    alice.put(session, chunks, [2, 7])
    accepted("finish after the missing chunks were sent", lambda: alice.finish(session, sample))


@check("UF6")
def finish_twice(context: CheckContext) -> None:
    """A repeated finish returns the same blob id, so that a lost reply costs nothing."""
    alice = context.caller()
    session, sample, _ = _half(alice)
    first = alice.finish(session, sample)
    second = accepted(
        "finish again", lambda: alice.finish(session, sample), "A lost reply loses the blob's id."
    )
    equal(second.blob_id, first.blob_id, "the blob id of finish again")


@check("UF7")
def strangers_cannot_end_a_session(context: CheckContext) -> None:
    """Finish and abort by another caller are refused, reveal nothing and change nothing."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    session, sample, _ = _half(alice)
    refusals = []
    for sha256, length in ((sample.sha256, sample.size), (bytes(32), sample.size), (bytes(32), 1)):
        try:
            mallory.backend.uploads_finish(session, sha256, length)
        except BackendError as error:
            refusals.append(error.message)
            require(
                error.tag in ("Unauthorized", "NotFound"),
                f"another caller's finish was refused with {error.message}",
            )
        else:
            require(holds=False, what="another caller finished a session", fatal=True)
    require(
        len(set(refusals)) == 1,
        f"the refusals differ: {refusals}",
        "Any caller can guess the content by its hash.",
    )
    with refused("another caller's abort", "Unauthorized", "NotFound"):
        mallory.backend.uploads_abort(session)
    accepted(
        "the owner's finish", lambda: alice.finish(session, sample), "Another caller can end your upload."
    )


@check("UF8")
def abort_frees(context: CheckContext) -> None:
    """After an abort the session is unknown, abort again is Ok, and the idem can be used anew."""
    alice = context.caller()
    sample = content(1000)
    session = alice.begin(1, "aborted")
    alice.put(session, [sample.data])
    accepted("abort", lambda: alice.backend.uploads_abort(session))
    with refused("a chunk after abort", "NotFound"):
        alice.put(session, [sample.data])
    with refused("finish after abort", "NotFound"):
        alice.finish(session, sample)
    with part():
        accepted("abort again", lambda: alice.backend.uploads_abort(session))
    again = accepted("the idem anew", lambda: alice.begin(1, "aborted"))
    alice.put(again, [sample.data])
    accepted("the upload anew", lambda: alice.finish(again, sample))


@check("UF9")
def ended_sessions_leave_nothing(context: CheckContext) -> None:
    """Statistics return to where they were when sessions have been committed and aborted."""
    alice = context.caller()
    admin = context.controller()
    before = _open_sessions(admin)
    aborted = alice.begin(1)
    session, sample, _ = _half(alice)
    alice.finish(session, sample)
    alice.backend.uploads_abort(aborted)
    equal(_open_sessions(admin), before, "open sessions after one was committed and one aborted")


def _open_sessions(admin: Caller) -> int:
    text = accepted("sessions_stats by a controller", admin.backend.sessions_stats)
    found = re.search(r"Pending: (\d+)", text)
    if not found:
        msg = f"sessions_stats has no number of pending sessions: {text!r}"
        raise NotApplicableError(msg)
    return int(found.group(1))
