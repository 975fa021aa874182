"""Helpers that several checks share: inline memories, access entries, temporary quotas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ic_capsule.backend import (
    AccessConditionImmediate,
    AccessEntry,
    AssetType,
    GrantSource,
    PersonRefPrincipal,
    QuotasUpdate,
    ResourceRole,
)
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import NOW_NS, Content, asset_metadata
from ic_harness.testing.assertions import NotApplicableError

VIEW = 1
"""The permission bit that lets its person see a memory."""


def inline_memory(
    caller: Caller,
    sample: Content,
    capsule: str | None = None,
    asset_type: AssetType = AssetType.Original,
) -> str:
    """Create a memory of inline bytes in the caller's capsule, or in another one, and return its id."""
    nothing = (None,) * 6
    arguments = (
        capsule or caller.capsule,
        sample.data,
        *nothing,
        asset_metadata(sample, asset_type),
        caller.idem(),
    )
    return str(caller.backend.memories_create(*arguments))


def entry(person: Caller | None, **changes: Any) -> AccessEntry:
    """Describe an access entry that lets a person see a memory; `changes` replaces fields by name."""
    fields: dict[str, Any] = {
        "id": f"entry-{person.name if person else 'none'}",
        "person_ref": PersonRefPrincipal(value=person.principal) if person else None,
        "is_public": False,
        "grant_source": GrantSource.User,
        "role": ResourceRole.Member,
        "perm_mask": VIEW,
        "created_at": NOW_NS,
        "updated_at": NOW_NS,
        "condition": AccessConditionImmediate(),
    }
    return AccessEntry(**(fields | changes))


@contextmanager
def quotas(context: CheckContext, **values: int) -> Iterator[None]:
    """Set quotas for the block, by a controller; they are put back after it.

    Raises `NotApplicableError` when the canister has no quotas to set, `UnmetNeedError` when no controller is known.
    """
    admin = context.controller()
    if not admin.can("quotas_update"):
        msg = "the canister has no method quotas_update"
        raise NotApplicableError(msg)
    current = admin.backend.quotas()
    before = {name: getattr(current, name) for name in values}
    admin.backend.quotas_update(QuotasUpdate(**values))
    try:
        yield
    finally:
        admin.backend.quotas_update(QuotasUpdate(**before))
