"""Checks of BL1 to BL8: locators, reading, ownership and the life of blobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.assertions import (
    NotApplicableError,
    accepted,
    broken,
    equal,
    part,
    refused,
    require,
)

_NO_LOCATORS = (
    "",
    "blob_",
    "blob_abc",
    "blob_-1",
    "blob_ 1",
    "inline_00",
    "external_1",
    "12345",
    "icp://blob/blob_1",
    "blob_99999999999999999999",
    "BLOB_1",
)
_UNKNOWN = "blob_18446744073709551557"


def _readings(caller: Caller, locator: str) -> list[tuple[str, Callable[[], object]]]:
    backend = caller.backend
    return [
        (f"blob_get_meta({locator!r})", lambda: backend.blob_get_meta(locator)),
        (f"blob_read({locator!r})", lambda: backend.blob_read(locator)),
        (f"blob_read_chunk({locator!r}, 0)", lambda: backend.blob_read_chunk(locator, 0)),
    ]


@check("BL1")
def locators_are_exact(context: CheckContext) -> None:
    """Only `blob_<u64 decimal>` is a locator, and all three readers say so alike."""
    alice = context.caller()
    for locator in _NO_LOCATORS:
        for _, call in _readings(alice, locator):
            with refused(f"reading {locator!r}", "InvalidArgument"):
                call()
    for what, call in _readings(alice, _UNKNOWN):
        with refused(what, "NotFound"):
            call()


@check("BL2")
def chunks_joined_are_the_bytes(context: CheckContext) -> None:
    """The chunks that meta counts, joined, are the bytes sent; past the end there is nothing."""
    alice = context.caller()
    sample = content(5500)
    locator = alice.upload(sample, 1000)
    meta = alice.backend.blob_get_meta(locator)
    equal(meta.size, sample.size, "blob_get_meta size")
    equal(alice.read(locator), sample.data, "all chunks joined")
    for index in (meta.chunk_count, meta.chunk_count + 1, 2**32 - 1):
        try:
            beyond = alice.backend.blob_read_chunk(locator, index)
        except BackendError:
            continue
        equal(
            beyond,
            b"",
            f"chunk {index} of {meta.chunk_count}",
            "A reader that counts wrongly gets foreign bytes.",
        )


@check("BL3")
def blob_ids_are_unique(context: CheckContext) -> None:
    """Ids differ across sessions, callers and upgrades, and do not count up."""
    alice, bob = context.caller("alice"), context.caller("bob")
    same = content(100)
    ids = [caller.upload(same) for caller in (alice, alice, bob, alice, bob, alice, alice, bob)]
    with part():
        context.upgrade()
        ids += [caller.upload(same) for caller in (alice, bob)]
    require(
        len(set(ids)) == len(ids),
        f"{len(ids)} uploads got {len(set(ids))} blob ids",
        "A new upload overwrites an old photo.",
    )
    numbers = [int(id_.removeprefix("blob_")) for id_ in ids]
    near = min((abs(a - b) for i, a in enumerate(numbers) for b in numbers[:i] if a != b), default=0)
    meaning = "Who knows one id can guess the others."
    require(near > 1000, f"two blob ids differ by {near}", meaning)
    require(numbers != sorted(numbers), "every blob id is larger than the one before", meaning)


@check("BL3")
def blob_ids_of_one_round(context: CheckContext) -> None:
    """Uploads that are finished at the same moment get blobs of their own."""
    alice, bob = context.caller("alice"), context.caller("bob")
    uploads = [(alice, content(100, 1)), (bob, content(100, 2)), (alice, content(100, 3))]
    finishes = []
    for caller, sample in uploads:
        session = caller.begin(1)
        caller.put(session, [sample.data])
        finishes.append(partial(caller.finish, session, sample))
    results = context.in_one_round(finishes)
    memories = [result.memory_id for result in results]
    if any(memories) and len(set(memories)) < len(memories):
        raise NotApplicableError(
            "uploads of one round share a memory (see FL2), so their blobs cannot be distinguished"
        )
    ids = [result.blob_id for result in results]
    require(
        len(set(ids)) == len(ids),
        f"{len(ids)} uploads of one round got {len(set(ids))} blob ids",
        "Ids come from the clock.",
    )
    for (caller, sample), locator in zip(uploads, ids, strict=True):
        equal(caller.read(locator), sample.data, f"the blob {locator} of {caller.name}")


@check("BL4")
def strangers_cannot_read(context: CheckContext) -> None:
    """Another caller and the anonymous caller are refused by all three readers."""
    alice = context.caller("alice")
    locator = alice.upload(content(1000))
    _, in_memory = alice.remember(content(1000, "memory"))
    for other_caller in (context.caller("mallory"), context.anonymous()):
        for target in (locator, in_memory):
            for what, call in _readings(other_caller, target):
                with refused(
                    f"{what.partition('(')[0]} by {other_caller.name}",
                    "NotFound",
                    "Unauthorized",
                    meaning="Anybody who learns a locator can read the photo.",
                ):
                    call()


@check("BL5")
def strangers_cannot_delete(context: CheckContext) -> None:
    """Only the owner deletes a blob."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    sample = content(1000)
    locator = alice.upload(sample)
    for other_caller in (mallory, context.anonymous()):
        with refused(
            f"blob_delete by {other_caller.name}",
            "NotFound",
            "Unauthorized",
            meaning="Anybody who learns a locator can destroy the photo.",
        ):
            other_caller.backend.blob_delete(locator)
    equal(alice.read(locator), sample.data, "the blob after other callers tried to delete it")
    accepted("blob_delete by its owner", lambda: alice.backend.blob_delete(locator))
    with refused("reading a deleted blob", "NotFound"):
        alice.backend.blob_get_meta(locator)


@check("BL6")
def large_blobs_are_read_in_chunks(context: CheckContext) -> None:
    """A whole read of a blob above the reply limit is an error that names blob_read_chunk."""
    alice = context.caller()
    sample = content(3 * alice.config.chunk_size)
    locator = alice.upload(sample)
    try:
        alice.backend.blob_read(locator)
    except RejectError as error:
        raise broken(
            f"blob_read of {sample.size} bytes made the canister trap: {error.reject_message}",
            "A client that reads a large photo does not learn how.",
        ) from error
    except BackendError as error:
        require(
            "blob_read_chunk" in error.message, f"the refusal does not name blob_read_chunk: {error.message}"
        )
    else:
        if sample.size > 3 * 1024 * 1024:
            raise broken(f"blob_read returned {sample.size} bytes, more than a reply of the network can hold")
    equal(alice.read(locator), sample.data, "the large blob chunk by chunk")


@check("BL7")
def blobs_survive_an_upgrade(context: CheckContext) -> None:
    """Every blob and its bytes are there after an upgrade."""
    alice = context.caller()
    samples = [content(size, size) for size in (1, 1000, 2 * alice.config.chunk_size + 1)]
    locators = [alice.upload(sample) for sample in samples]
    context.upgrade()
    for locator, sample in zip(locators, samples, strict=True):
        with part():
            what = f"a blob of {sample.size} bytes after the upgrade"
            got = accepted(f"reading {what}", partial(alice.read, locator))
            equal(got, sample.data, what, "A deploy destroys photos.")


@check("BL8")
def equal_blobs_live_apart(context: CheckContext) -> None:
    """Of two blobs with the same content one can be deleted and the other stays."""
    alice = context.caller()
    sample = content(3000)
    first, second = alice.upload(sample), alice.upload(sample)
    require(first != second, "two uploads of the same content share a locator")
    alice.backend.blob_delete(first)
    got = accepted("reading the other blob", lambda: alice.read(second))
    equal(got, sample.data, "the other blob", "Deleting one photo destroys its copy.")
