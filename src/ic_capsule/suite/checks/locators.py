"""Checks of BL9 to BL11: the bytes of a capsule are limited, a blob has one name, and ids cannot be computed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from ic_capsule.suite.checks.helpers import quotas
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.testing.assertions import accepted, equal, refused, require

_FAR_APART = 1000


@check("BL9")
def bytes_are_limited(context: CheckContext) -> None:
    """Past the capsule's quota of bytes comes ResourceExhausted, deleting makes room, others are untouched."""
    alice, bob = context.caller("alice"), context.caller("bob")
    with quotas(context, blob_bytes_per_capsule=3000):
        first = alice.upload(content(2000, "first"))
        with refused(
            "a blob past blob_bytes_per_capsule",
            "ResourceExhausted",
            meaning="One caller fills the canister, and then no caller can upload any more.",
        ):
            alice.upload(content(2000, "second"))
        accepted("another caller's upload", lambda: bob.upload(content(2000, "bob")))
        alice.backend.blob_delete(first)
        accepted("an upload after a blob was deleted", lambda: alice.upload(content(2000, "third")))


@check("BL10")
def locators_have_no_aliases(context: CheckContext) -> None:
    """Another way to write a blob's number is no locator of it, neither for reading nor for deleting."""
    alice = context.caller()
    sample = content(700)
    locator = alice.upload(sample)
    number = int(locator.removeprefix("blob_"))
    aliases = (
        f"blob_+{number}",
        f"blob_00{number}",
        f"blob_ {number}",
        f"blob_{number} ",
        f"BLOB_{number}",
        f"blob_{number + 2**64}",
        f"blob_{number:#x}",
    )
    backend = alice.backend
    for alias in aliases:
        reads: tuple[tuple[str, Callable[[str], object]], ...] = (
            ("blob_get_meta", backend.blob_get_meta),
            ("blob_read", backend.blob_read),
            ("blob_read_chunk", lambda name: backend.blob_read_chunk(name, 0)),
        )
        for what, call in reads:
            with refused(
                f"{what}({alias!r}) of the blob {locator}",
                "InvalidArgument",
                "NotFound",
                meaning="Who compares locators as texts takes one photo for two, or lets a deleted one live.",
            ):
                call(alias)
    if not alice.can("blob_delete"):
        return
    for alias in aliases:
        with refused(
            f"blob_delete({alias!r}) of the blob {locator}",
            "InvalidArgument",
            "NotFound",
            meaning="A text that names no blob destroys a photo.",
        ):
            backend.blob_delete(alias)
    equal(
        accepted("reading the blob after its aliases were deleted", lambda: alice.read(locator)),
        sample.data,
        "the blob",
    )


@check("BL11")
def ids_cannot_be_computed(context: CheckContext) -> None:
    """Numbers of sessions do not count up, and a blob's number does not follow from that of its session."""
    alice, bob = context.caller("alice"), context.caller("bob")
    sample = content(100)
    sessions = [caller.begin(1) for caller in (alice, bob, alice, bob, alice)]
    near = min(abs(a - b) for at, a in enumerate(sessions) for b in sessions[:at])
    require(
        near > _FAR_APART,
        f"session numbers lie {near} apart: {sessions}",
        "Who opens one upload knows the numbers of everybody's uploads.",
    )
    alice.put(sessions[0], [sample.data])
    locator = alice.finish(sessions[0], sample).blob_id
    require(
        int(locator.removeprefix("blob_")) not in _derived(sessions[0]),
        f"{locator} follows from its session {sessions[0]}",
        "Everybody computes the locators of everybody's photos.",
    )


def _derived(session: int) -> set[int]:
    """The numbers that published backends make of a session's: itself, or eight bytes of a hash of it."""
    little, big = session.to_bytes(8, "little"), session.to_bytes(8, "big")
    hashes = [sha256(prefix + number).digest() for prefix in (b"", b"#") for number in (little, big)]
    eights = [digest[:8] for digest in hashes]
    return (
        {session}
        | {int.from_bytes(eight, "little") for eight in eights}
        | {int.from_bytes(eight, "big") for eight in eights}
    )
