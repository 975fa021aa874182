"""Checks of BL1 to BL8: locators, reading, ownership and the life of blobs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.material import content
from ic_capsule.suite.stage import Caller, Stage
from ic_harness.errors import BackendError, RejectError
from ic_harness.testing.expectations import (
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
def locators_are_exact(stage: Stage) -> None:
    """Only `blob_<u64 decimal>` is a locator, and all three readers say so alike."""
    alice = stage.caller()
    for locator in _NO_LOCATORS:
        for _, call in _readings(alice, locator):
            with refused(f"reading {locator!r}", "InvalidArgument"):
                call()
    for what, call in _readings(alice, _UNKNOWN):
        with refused(what, "NotFound"):
            call()


@check("BL2")
def chunks_joined_are_the_bytes(stage: Stage) -> None:
    """The chunks that meta counts, joined, are the bytes sent; past the end there is nothing."""
    alice = stage.caller()
    material = content(5500)
    locator = alice.upload(material, 1000)
    meta = alice.backend.blob_get_meta(locator)
    equal(meta.size, material.size, "blob_get_meta size")
    equal(alice.read(locator), material.data, "all chunks joined")
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
def blob_ids_are_unique(stage: Stage) -> None:
    """Ids differ across sessions, callers and upgrades, and do not count up."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
    same = content(100)
    ids = [caller.upload(same) for caller in (alice, alice, bob, alice, bob, alice, alice, bob)]
    with part():
        stage.upgrade()
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
def blob_ids_of_one_round(stage: Stage) -> None:
    """Uploads that are finished at the same moment get blobs of their own."""
    alice, bob = stage.caller("alice"), stage.caller("bob")
    uploads = [(alice, content(100, 1)), (bob, content(100, 2)), (alice, content(100, 3))]
    finishes = []
    for caller, material in uploads:
        session = caller.begin(1)
        caller.put(session, [material.data])
        finishes.append(partial(caller.finish, session, material))
    results = stage.in_one_round(finishes)
    memories = [result.memory_id for result in results]
    if any(memories) and len(set(memories)) < len(memories):
        raise NotApplicableError(
            "uploads of one round share a memory (see FL2), so their blobs cannot be told apart"
        )
    ids = [result.blob_id for result in results]
    require(
        len(set(ids)) == len(ids),
        f"{len(ids)} uploads of one round got {len(set(ids))} blob ids",
        "Ids come from the clock.",
    )
    for (caller, material), locator in zip(uploads, ids, strict=True):
        equal(caller.read(locator), material.data, f"the blob {locator} of {caller.name}")


@check("BL4")
def strangers_cannot_read(stage: Stage) -> None:
    """A stranger and the anonymous caller are refused by all three readers."""
    alice = stage.caller("alice")
    locator = alice.upload(content(1000))
    _, in_memory = alice.remember(content(1000, "memory"))
    for stranger in (stage.caller("mallory"), stage.anonymous()):
        for target in (locator, in_memory):
            for what, call in _readings(stranger, target):
                with refused(
                    f"{what.partition('(')[0]} by {stranger.name}",
                    "NotFound",
                    "Unauthorized",
                    meaning="Anybody who learns a locator can read the photo.",
                ):
                    call()


@check("BL5")
def strangers_cannot_delete(stage: Stage) -> None:
    """Only the owner deletes a blob."""
    alice, mallory = stage.caller("alice"), stage.caller("mallory")
    material = content(1000)
    locator = alice.upload(material)
    for stranger in (mallory, stage.anonymous()):
        with refused(
            f"blob_delete by {stranger.name}",
            "NotFound",
            "Unauthorized",
            meaning="Anybody who learns a locator can destroy the photo.",
        ):
            stranger.backend.blob_delete(locator)
    equal(alice.read(locator), material.data, "the blob after strangers tried to delete it")
    accepted("blob_delete by its owner", lambda: alice.backend.blob_delete(locator))
    with refused("reading a deleted blob", "NotFound"):
        alice.backend.blob_get_meta(locator)


@check("BL6")
def large_blobs_are_read_in_chunks(stage: Stage) -> None:
    """A whole read of a blob above the reply limit is an error that names blob_read_chunk."""
    alice = stage.caller()
    material = content(3 * alice.config.chunk_size)
    locator = alice.upload(material)
    try:
        alice.backend.blob_read(locator)
    except RejectError as error:
        raise broken(
            f"blob_read of {material.size} bytes made the canister trap: {error.reject_message}",
            "Who reads a large photo is not told how to.",
        ) from error
    except BackendError as error:
        require(
            "blob_read_chunk" in error.message, f"the refusal does not name blob_read_chunk: {error.message}"
        )
    else:
        if material.size > 3 * 1024 * 1024:
            raise broken(f"blob_read gave {material.size} bytes, which no reply of the network can hold")
    equal(alice.read(locator), material.data, "the large blob chunk by chunk")


@check("BL7")
def blobs_survive_an_upgrade(stage: Stage) -> None:
    """Every blob and its bytes are there after an upgrade."""
    alice = stage.caller()
    materials = [content(size, size) for size in (1, 1000, 2 * alice.config.chunk_size + 1)]
    locators = [alice.upload(material) for material in materials]
    stage.upgrade()
    for locator, material in zip(locators, materials, strict=True):
        with part():
            what = f"a blob of {material.size} bytes after the upgrade"
            got = accepted(f"reading {what}", partial(alice.read, locator))
            equal(got, material.data, what, "A deploy destroys photos.")


@check("BL8")
def equal_blobs_live_apart(stage: Stage) -> None:
    """Of two blobs with the same content one can be deleted and the other stays."""
    alice = stage.caller()
    material = content(3000)
    first, second = alice.upload(material), alice.upload(material)
    require(first != second, "two uploads of the same content share a locator")
    alice.backend.blob_delete(first)
    got = accepted("reading the other blob", lambda: alice.read(second))
    equal(got, material.data, "the other blob", "Deleting one photo destroys its copy.")
