"""Checks of CA1 to CA6: the owners of capsules, and what other callers learn."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from ic_capsule.backend import CapsuleUpdateData, PersonRefOpaque, PersonRefPrincipal
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import accepted, equal, refused, require


@check("CA1")
def own_capsule_is_made_once(context: CheckContext) -> None:
    """Create without a subject returns the caller's own capsule, and the same one again."""
    alice = context.caller()
    first, second = (alice.backend.capsules_create(None) for _ in range(2))
    equal(
        second.id, first.id, "the capsule of a second create", "Photos are scattered over several capsules."
    )
    equal(first.subject, PersonRefPrincipal(value=alice.principal), "the capsule's subject")
    info = alice.backend.capsules_read_basic(None)
    equal(info.capsule_id, first.id, "the capsule that capsules_read_basic(null) leads to")
    require(info.is_owner and info.is_self_capsule, f"the caller's own capsule is not theirs: {info!r}")


@check("CA2")
def capsules_of_one_round(context: CheckContext) -> None:
    """Callers who create at the same moment get capsules of their own."""
    callers = [context.caller(f"caller-{number}") for number in range(6)]
    made = [
        capsule.id
        for capsule in context.in_one_round([partial(who.backend.capsules_create, None) for who in callers])
    ]
    require(
        len(set(made)) == len(made),
        f"{len(made)} callers of one round got {len(set(made))} capsules",
        "Ids come from the clock.",
        fatal=True,
    )
    for caller, capsule in zip(callers, made, strict=True):
        equal(
            caller.backend.capsules_read_basic(None).capsule_id, capsule, f"the own capsule of {caller.name}"
        )


@check("CA3")
def nobody_is_led_astray(context: CheckContext) -> None:
    """A capsule that another caller created for a principal is never returned as its own."""
    victim, mallory = context.caller("victim"), context.caller("mallory")
    trap = None
    with suppress(BackendError):  # a refusal keeps the guarantee too; what counts is where the victim is led
        trap = mallory.backend.capsules_create(PersonRefPrincipal(value=victim.principal)).id
    meaning = "Photos of one person go into a capsule that another one owns."
    try:
        led_to = victim.backend.capsules_read_basic(None).capsule_id
    except BackendError as error:
        equal(error.tag, "NotFound", "capsules_read_basic(null) before the caller has a capsule")
        led_to = None
    require(led_to is None or led_to != trap, "the victim is led to another caller's capsule", meaning)
    own = victim.backend.capsules_create(None)
    require(own.id != trap, "create returned another caller's capsule to the victim", meaning)
    equal(victim.backend.capsules_read_basic(None).capsule_id, own.id, "the victim's own capsule", meaning)


@check("CA4")
def strangers_learn_nothing(context: CheckContext) -> None:
    """For another caller a capsule does not exist."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    capsule = alice.capsule
    for other_caller in (mallory, context.anonymous()):
        backend = other_caller.backend
        meaning = f"{other_caller.name} learns of a capsule that is not theirs."
        with refused("capsules_read_basic by another caller", "NotFound", meaning=meaning):
            backend.capsules_read_basic(capsule)
        with refused("capsules_read_full by another caller", "NotFound", meaning=meaning):
            backend.capsules_read_full(capsule)
        with refused("capsules_update by another caller", "NotFound", meaning=meaning):
            backend.capsules_update(capsule, CapsuleUpdateData(bound_to_neon=True))
        require(
            capsule not in [row.id for row in backend.capsules_list()],
            "another caller's list shows it",
            meaning,
        )
        with refused("capsules_delete by another caller", "NotFound", meaning=meaning, fatal=True):
            backend.capsules_delete(capsule)
    accepted("the owner's read", lambda: alice.backend.capsules_read_full(capsule))


@check("CA5")
def deleting_a_capsule_frees_it(context: CheckContext) -> None:
    """With a capsule its memories and blobs go."""
    alice = context.caller()
    memory, locator = alice.remember(content(1000))
    accepted("capsules_delete by the owner", lambda: alice.backend.capsules_delete(alice.capsule))
    with refused("reading the deleted capsule", "NotFound"):
        alice.backend.capsules_read_basic(alice.capsule)
    with refused("reading a memory of the deleted capsule", "NotFound"):
        alice.backend.memories_read(memory)
    with refused(
        "reading a blob of the deleted capsule", "NotFound", meaning="Deleted photos are kept for ever."
    ):
        alice.backend.blob_get_meta(locator)


@check("CA6")
def capsules_survive_an_upgrade(context: CheckContext) -> None:
    """Capsules and memories are the same after an upgrade."""
    alice = context.caller()
    other = alice.backend.capsules_create(PersonRefOpaque(value="grandmother")).id
    memory, _ = alice.remember(content(1000))
    before = alice.backend.memories_read(memory)
    context.upgrade()
    equal(
        {row.id for row in alice.backend.capsules_list()},
        {alice.capsule, other},
        "capsules after the upgrade",
    )
    after = accepted("memories_read after the upgrade", lambda: alice.backend.memories_read(memory))
    equal(after, before, "a memory after the upgrade", "A deploy changes or loses memories.")
