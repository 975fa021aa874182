"""What access entries let people do, beyond what every backend guarantees."""

from __future__ import annotations

import pytest

from ic_capsule.backend import (
    AccessConditionImmediate,
    AccessEntry,
    GrantSource,
    MemoryUpdateData,
    PersonRefPrincipal,
    ResourceRole,
)
from ic_capsule.suite.sample_data import content, inline_asset
from ic_harness.errors import BackendError

VIEW, MANAGE, OWN = 1, 8, 16


@pytest.fixture
def shared(stage, alice):
    """Share a memory of alice's with bob by an entry with these bits; gives bob's client and the memory's id."""

    def share(bits, *, public=False):
        bob = stage.caller("bob")
        memory, _ = alice.remember(content(50, bits))
        entry = AccessEntry(
            id="entry",
            person_ref=None if public else PersonRefPrincipal(value=bob.principal),
            is_public=public,
            grant_source=GrantSource.User,
            role=ResourceRole.Member,
            perm_mask=bits,
            created_at=0,
            updated_at=0,
            condition=AccessConditionImmediate(),
        )
        alice.backend.memories_update(memory, MemoryUpdateData(access_entries=[entry]))
        return bob.backend, memory

    return share


def attempts(backend, memory):
    """What somebody may try with a memory, by the right that it takes, mildest first."""
    rename = MemoryUpdateData(name="By bob")
    return {
        "read": lambda: backend.memories_read(memory),
        "update": lambda: backend.memories_update(memory, rename),
        "add": lambda: backend.memories_add_inline_asset(memory, inline_asset(content(9)), "idem"),
        "remove": lambda: backend.asset_remove_inline(memory, 0),
        "share": lambda: backend.memories_update(memory, MemoryUpdateData(access_entries=[])),
        "delete": lambda: backend.memories_delete(memory, True),
    }


@pytest.mark.parametrize(
    ("bits", "public", "allowed"),
    [
        (0, False, 0),
        (VIEW, False, 1),
        (MANAGE, False, 4),
        (VIEW | MANAGE | OWN, True, 1),
    ],
)
def test_bits_let_do_what_they_say(shared, bits, public, allowed):
    """VIEW lets read, MANAGE change, a public entry only read; the rest is refused by name."""
    backend, memory = shared(bits, public=public)
    for number, (name, attempt) in enumerate(attempts(backend, memory).items()):
        if number < allowed:
            attempt()
        else:
            with pytest.raises(BackendError, match="Unauthorized" if allowed else "NotFound"):
                pytest.fail(f"{name} was let through: {attempt()!r}")


def test_own_lets_delete(shared):
    """OWN lets its person do everything, sharing and deleting included."""
    backend, memory = shared(OWN)
    for name, attempt in attempts(backend, memory).items():
        if name != "share":
            attempt()
    with pytest.raises(BackendError, match="NotFound"):
        backend.memories_read(memory)
