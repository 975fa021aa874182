"""Checks of CA7 to CA11: what anonymous callers and subjects may do, how many capsules there are, who binds them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ic_capsule.backend import (
    DatabaseHosting,
    PersonRefOpaque,
    PersonRefPrincipal,
    ResourceType,
)
from ic_capsule.suite.checks.helpers import inline_memory, quotas
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError
from ic_harness.testing.assertions import accepted, broken, equal, refused, require

_UNTOLD_LIMIT = 32
_CLOSED = ("NotFound", "Unauthorized")


@check("CA7")
def anonymous_callers_own_nothing(context: CheckContext) -> None:
    """The anonymous caller creates no capsule, opens no upload, makes no memory and reads nothing private."""
    anonymous, alice = context.anonymous(), context.caller("alice")
    memory, locator = alice.remember(content(100))
    meaning = "What the anonymous caller owns belongs to everybody, and no quota holds who does not sign."
    for what, subject in (
        ("a capsule", None),
        ("a capsule about another principal", PersonRefOpaque(value="someone")),
    ):
        with refused(f"{what} for the anonymous caller", *_CLOSED, meaning=meaning):
            anonymous.backend.capsules_create(subject)
    equal(anonymous.backend.capsules_list(), [], "the capsules of the anonymous caller", meaning)
    with refused("an upload of the anonymous caller", *_CLOSED, meaning=meaning):
        anonymous.begin(1, capsule=alice.capsule)
    with refused("a memory of the anonymous caller", *_CLOSED, meaning=meaning):
        inline_memory(anonymous, content(10), alice.capsule)
    reads: tuple[tuple[str, Callable[[], object]], ...] = (
        ("memories_read", lambda: anonymous.backend.memories_read(memory)),
        ("blob_get_meta", lambda: anonymous.backend.blob_get_meta(locator)),
    )
    for what, call in reads:
        with refused(f"{what} by the anonymous caller", *_CLOSED, meaning="Everybody reads private photos."):
            call()


@check("CA8")
def capsules_are_limited(context: CheckContext) -> None:
    """One caller cannot create capsules without end, and the limit of one caller does not touch another."""
    alice, bob = context.caller("alice"), context.caller("bob")
    if alice.can("quotas_update"):
        with quotas(context, capsules_per_principal=3):
            _create_until_refused(context, 3)
            accepted("another caller's capsule", lambda: bob.backend.capsules_create(None))
    else:
        _create_until_refused(context, _UNTOLD_LIMIT)
        accepted("another caller's capsule", lambda: bob.backend.capsules_create(None))


def _create_until_refused(context: CheckContext, limit: int) -> None:
    alice = context.caller("alice")
    for number in range(limit + 1):
        try:
            alice.backend.capsules_create(PersonRefOpaque(value=f"person {number}"))
        except BackendError as error:
            equal(error.tag, "ResourceExhausted", "the refusal of one capsule too many")
            return
    msg = f"one caller created {limit + 1} capsules, the limit being {limit}"
    raise broken(msg, "One caller fills the canister, and every quota of a capsule is worth nothing.")


@check("CA9")
def every_capsule_is_listed(context: CheckContext) -> None:
    """All capsules of a caller are listed, a second one about the caller too, each with its own memories."""
    alice = context.caller()
    about = {
        "the first": None,
        "a second about the caller": PersonRefPrincipal(value=alice.principal),
        "one about another principal": PersonRefOpaque(value="grandmother"),
    }
    capsules = {what: alice.backend.capsules_create(subject).id for what, subject in about.items()}
    memories = {what: inline_memory(alice, content(30, what), capsule) for what, capsule in capsules.items()}
    rows = {row.id: row for row in alice.backend.capsules_list()}
    meaning = "Photos that a caller put into this capsule are not shown anywhere."
    for what, capsule in capsules.items():
        require(capsule in rows, f"capsules_list does not show {what}", meaning)
        if capsule in rows:
            equal(rows[capsule].memory_count, 1, f"memory_count of {what}")
        page = accepted(f"memories_list of {what}", partial(alice.backend.memories_list, capsule, None, None))
        equal([row.id for row in page.items], [memories[what]], f"the memories of {what}", meaning)


@check("CA10")
def subjects_have_no_rights(context: CheckContext) -> None:
    """The subject of a capsule that another principal owns has no right to it."""
    alice, subject = context.caller("alice"), context.caller("subject")
    capsule = alice.backend.capsules_create(PersonRefPrincipal(value=subject.principal)).id
    memory = inline_memory(alice, content(60), capsule)
    backend = subject.backend
    calls: tuple[tuple[str, Callable[[], object]], ...] = (
        ("capsules_read_basic", lambda: backend.capsules_read_basic(capsule)),
        ("capsules_read_full", lambda: backend.capsules_read_full(capsule)),
        ("memories_list", lambda: backend.memories_list(capsule, None, None)),
        ("memories_read", lambda: backend.memories_read(memory)),
        ("memories_create", lambda: inline_memory(subject, content(20), capsule)),
        ("uploads_begin", lambda: subject.begin(1, capsule=capsule)),
        ("memories_delete", lambda: backend.memories_delete(memory, delete_assets=False)),
        ("capsules_delete", lambda: backend.capsules_delete(capsule)),
    )
    for what, call in calls:
        with refused(
            f"{what} by the subject of a capsule, who does not own it,",
            *_CLOSED,
            meaning="The subject of a capsule can read or change it, although its owner granted no access.",
        ):
            call()
    accepted("memories_read by the owner", lambda: alice.backend.memories_read(memory))


@check("CA11")
def binding_is_for_owners(context: CheckContext) -> None:
    """capsules_bind_neon shows in the capsule and the memory that it names, and only for who owns them."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    memory = inline_memory(alice, content(60))
    things = ((ResourceType.Capsule, alice.capsule), (ResourceType.Memory, memory))

    def bound() -> tuple[bool, bool]:
        edges = alice.backend.memories_read(memory).metadata.database_storage_edges
        return alice.backend.capsules_read_basic(alice.capsule).bound_to_neon, DatabaseHosting.Neon in edges

    def bind(*, on: bool) -> None:
        for kind, id_ in things:
            accepted(
                f"capsules_bind_neon of a {kind.value} by its owner",
                partial(alice.backend.capsules_bind_neon, kind, id_, on),
            )
        equal(bound(), (on, on), f"capsule and memory bound after capsules_bind_neon(…, {on})")

    bind(on=True)
    for other_caller in (mallory, context.anonymous()):
        for kind, id_ in things:
            with refused(
                f"capsules_bind_neon of a {kind.value} by {other_caller.name}",
                *_CLOSED,
                meaning="Other callers decide where photos are stored.",
            ):
                other_caller.backend.capsules_bind_neon(kind, id_, arg2=False)
    equal(bound(), (True, True), "capsule and memory bound after other callers tried to unbind them")
    bind(on=False)
