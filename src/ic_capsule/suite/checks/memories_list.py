"""Checks of MR4 to MR8: lists that nothing breaks, cursors of every kind, presence, and what is shown as shared."""

from __future__ import annotations

from ic_capsule.backend import (
    AssetType,
    MemoryHeader,
    MemoryUpdateData,
    PersonRefPrincipal,
    ResourceRole,
    SharingStatus,
)
from ic_capsule.suite.checks.helpers import entry, inline_memory
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import content
from ic_harness.errors import BackendError, RejectError
from ic_harness.principal import Principal
from ic_harness.testing.assertions import accepted, broken, equal, lacks_method, require

_NO_MEMORY = "00000000-0000-0000-0000-000000000000"
_MOST_PAGES = 20


@check("MR4")
def odd_access_does_not_break_lists(context: CheckContext) -> None:
    """Whatever access entries a memory is given, or refused, the list of its capsule goes on to show everything."""
    alice = context.caller()
    anonymous = PersonRefPrincipal(value=Principal.anonymous())
    cases = {
        "no entries": [],
        "an entry for no principal": [entry(None)],
        "an entry without rights": [entry(context.caller("bob"), perm_mask=0)],
        "an entry with all bits": [entry(context.caller("bob"), perm_mask=2**32 - 1)],
        "the same entry twice": [entry(context.caller("bob"))] * 2,
        "an entry for the anonymous caller": [entry(None, person_ref=anonymous)],
    }
    made = []
    for number, (what, entries) in enumerate(cases.items()):
        made.append(inline_memory(alice, content(20, number)))
        try:
            alice.backend.memories_update(made[-1], MemoryUpdateData(access_entries=entries))
        except BackendError as error:
            require(error.tag != "Internal", f"memories_update with {what}: {error.message}")
        page = accepted(
            f"memories_list after memories_update with {what}",
            lambda: alice.backend.memories_list(alice.capsule, None, None),
            "One memory hides the whole archive, and nothing in the interface can mend it.",
        )
        equal(sorted(row.id for row in page.items), sorted(made), f"the list after {what}")
        accepted(f"memories_read after {what}", lambda: alice.backend.memories_read(made[-1]))


@check("MR5")
def cursors_and_limits_do_no_harm(context: CheckContext) -> None:
    """A cursor past the end, of another capsule or of no list, and a limit of 0, are refused or come to an end."""
    alice, bob = context.caller("alice"), context.caller("bob")
    mine = {inline_memory(alice, content(20, number)) for number in range(3)}
    for number in range(5):
        inline_memory(bob, content(20, f"bob {number}"))
    foreign = bob.backend.memories_list(bob.capsule, None, 3).next_cursor
    for cursor in ("1000000", "18446744073709551615", "18446744073709551616", "-1", "no cursor", "", foreign):
        rows = _rows(alice, f"memories_list with the cursor {cursor!r}", cursor, 2)
        require({row.id for row in rows} <= mine, f"the cursor {cursor!r} shows foreign memories")
        if cursor and cursor.startswith(("1000000", "1844")):
            equal(rows, [], f"the page behind the end, at {cursor!r}")
    seen, cursor = set[str](), None
    for _ in range(_MOST_PAGES):
        try:
            page = alice.backend.memories_list(alice.capsule, cursor, 0)
        except BackendError as error:
            equal(error.tag, "InvalidArgument", "the refusal of a limit of 0")
            return
        seen |= {row.id for row in page.items}
        cursor = page.next_cursor
        if cursor is None:
            require(seen in (set(), mine), f"pages of a limit of 0 show {len(seen)} of {len(mine)} memories")
            return
    msg = f"pages of a limit of 0 have no end: {_MOST_PAGES} pages and still a cursor"
    raise broken(msg, "A client that asks so never comes back.")


def _rows(caller: Caller, what: str, cursor: str | None, limit: int) -> list[MemoryHeader]:
    """The rows of one page; none when it is refused. A trap breaks the guarantee."""
    try:
        return list(caller.backend.memories_list(caller.capsule, cursor, limit).items)
    except BackendError:
        return []
    except RejectError as error:
        if lacks_method(error):
            raise
        require(
            holds=False,
            what=f"{what} made the canister trap: {error.reject_message}",
            meaning="A gallery whose last photos were deleted meanwhile shows an error.",
        )
        return []


@check("MR6")
def presence_is_for_viewers(context: CheckContext) -> None:
    """memories_ping says that one's own memories are there, and that those of others and unknown ones are not."""
    alice, bob = context.caller("alice"), context.caller("bob")
    mine, theirs = inline_memory(alice, content(20)), inline_memory(bob, content(20, "bob"))
    for caller, own in ((alice, mine), (bob, theirs), (context.anonymous(), None)):
        rows = {row.memory_id: row for row in caller.backend.memories_ping([mine, theirs, _NO_MEMORY])}
        for id_ in (mine, theirs, _NO_MEMORY):
            shown = (rows[id_].metadata_present, rows[id_].asset_present) if id_ in rows else (False, False)
            present = id_ == own
            equal(
                shown,
                (present, present),
                f"presence of {'an own' if present else 'a foreign or unknown'} memory shown to {caller.name}",
                "A gallery reports a photo as lost."
                if present
                else "Other callers learn which memories exist.",
            )


@check("MR7")
def sharing_is_shown_truly(context: CheckContext) -> None:
    """A private memory is shown as private, one that another caller may see as shared, one for all as public."""
    alice, bob = context.caller("alice"), context.caller("bob")
    memory = inline_memory(alice, content(40))
    before = alice.backend.memories_read(memory).access_entries
    _shown(alice, memory, SharingStatus.Private, 0, "a new memory")
    cases = (
        ("a memory that another caller may see", [*before, entry(bob)], SharingStatus.Shared, 1),
        (
            "a memory that another caller owns too",
            [*before, entry(bob, role=ResourceRole.Owner, perm_mask=31)],
            SharingStatus.Shared,
            1,
        ),
        ("a memory for everybody", [*before, entry(None, is_public=True)], SharingStatus.Public, None),
        ("a memory that is private again", before, SharingStatus.Private, 0),
    )
    for what, entries, status, count in cases:
        alice.backend.memories_update(memory, MemoryUpdateData(access_entries=entries))
        _shown(alice, memory, status, count, what)


def _shown(caller: Caller, memory: str, status: SharingStatus, count: int | None, what: str) -> None:
    """Compare the status of the memory and of its row; `count` None ignores the number of people it is shared with."""
    metadata = caller.backend.memories_read(memory).metadata
    row = caller.backend.memories_list(caller.capsule, None, None).items[0]
    for where, told in (("memories_read", metadata), ("memories_list", row)):
        equal(
            (told.sharing_status, told.shared_count),
            (status, told.shared_count if count is None else count),
            f"sharing_status and shared_count of {what} in {where}",
            "People think a photo private that others see, or the other way round.",
        )


@check("MR8")
def lists_of_every_length(context: CheckContext) -> None:
    """Lists of 0, 1, a page, a page and one, and a thousand entries show each once, with and without a limit."""
    alice = context.caller()
    filler = context.in_bulk(alice)
    made: list[str] = []
    for length, limits in (
        (0, (None, _LARGEST_PAGE)),
        (1, (None, _LARGEST_PAGE)),
        (_PAGE, (None,)),
        (_PAGE + 1, (None,)),
        (_LARGEST_PAGE, (_LARGEST_PAGE,)),
        (_LARGEST_PAGE + 1, (_LARGEST_PAGE,)),
        (context.sizes.listed, (_LARGEST_PAGE,)),
    ):
        if length > context.sizes.listed:
            break
        missing = range(len(made), length)
        made += [_bare(filler, alice.capsule, number) for number in missing]
        for limit in limits:
            _every_row(alice, made, limit)


def _bare(caller: Caller, capsule: str, number: int) -> str:
    """Create a memory that has nothing to link to, so that its row is short."""
    return inline_memory(caller, content(10, number), capsule, AssetType.Metadata)


def _every_row(caller: Caller, made: list[str], limit: int | None) -> None:
    shown = _all_pages(caller, limit, len(made))
    what = f"a list of {len(made)} memories with a limit of {limit}"
    equal(len(shown), len(made), f"the rows of {what}", "Photos vanish from the gallery.")
    equal(len(set(shown)), len(shown), f"the different rows of {what}")
    require(set(shown) <= set(made), f"{what} shows memories that were not created")


_PAGE = 50
_LARGEST_PAGE = 100
"""Rows of a page by default and at most, in published backends; where they differ, other lengths are tried."""


def _all_pages(caller: Caller, limit: int | None, length: int) -> list[str]:
    seen: list[str] = []
    cursor = None
    for _ in range(length + 2):
        page = caller.backend.memories_list(caller.capsule, cursor, limit)
        seen += [row.id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return seen
    raise broken(f"a list of {length} memories has no end: {length + 2} pages and still a cursor")
