"""Checks of ME9: another's id beside one's own, at every method that takes two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ic_capsule.backend import AssetType, BlobRef
from ic_capsule.suite.checks.http_requests import TTL_S, asset_url, get
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import (
    Content,
    asset_metadata,
    blob_asset,
    content,
    memory_metadata,
)
from ic_harness.errors import BackendError, HarnessError, RejectError
from ic_harness.testing.assertions import accepted, equal, require
from ic_harness.testing.blame import Blame, blame

_MEANING = "Who has a capsule of their own reaches into everybody's."
_Calls = tuple[tuple[str, Callable[[], Any]], ...]


class _Photo:
    """A memory of one blob, and what names its parts."""

    def __init__(self, caller: Caller, name: str) -> None:
        self.caller = caller
        self.sample: Content = content(500, name)
        self.memory, self.locator = caller.remember(self.sample, name)
        (asset,) = caller.backend.memories_read(self.memory).blob_internal_assets
        self.asset = str(getattr(asset, "asset_id", ""))


@check("ME9")
def foreign_ids_beside_ones_own(context: CheckContext) -> None:
    """An asset, blob or memory of another, named beside one's own memory or capsule, is neither shown nor touched."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    theirs, own = _Photo(alice, "alice"), _Photo(mallory, "mallory")
    before = alice.backend.memories_read(theirs.memory)
    for what, call in _reaching_out(own, theirs):
        if mallory.can(what):
            _nothing_comes_of_it(what, call)
    _tokens_for_foreign_assets(own, theirs)
    after = accepted("the owner's memories_read", lambda: alice.backend.memories_read(theirs.memory))
    equal(after, before, "the memory whose parts were named", _MEANING)
    read = accepted("the owner's read of the blob", lambda: alice.read(theirs.locator))
    equal(read, theirs.sample.data, "the blob that was named", _MEANING)


def _reaching_out(own: _Photo, theirs: _Photo) -> _Calls:
    """Return calls that name the caller's own memory or capsule first, and another caller's second."""
    caller, backend = own.caller, own.caller.backend
    asset = blob_asset(theirs.locator, theirs.sample, AssetType.Display)
    ref = BlobRef(locator=theirs.locator, hash=theirs.sample.sha256, len=theirs.sample.size)
    metadata = asset_metadata(theirs.sample)
    return (
        ("asset_get_by_id", lambda: backend.asset_get_by_id(own.memory, theirs.asset)),
        ("asset_remove", lambda: backend.asset_remove(own.memory, theirs.asset)),
        ("asset_remove_by_id", lambda: backend.asset_remove_by_id(own.memory, theirs.asset)),
        ("asset_remove_internal", lambda: backend.asset_remove_internal(own.memory, theirs.locator)),
        ("asset_remove_external", lambda: backend.asset_remove_external(own.memory, theirs.asset)),
        ("memories_add_asset", lambda: backend.memories_add_asset(own.memory, asset, caller.idem())),
        (
            "memories_create",
            lambda: backend.memories_create(caller.capsule, None, ref, *(None,) * 5, metadata, caller.idem()),
        ),
        (
            "memories_create_with_internal_blobs",
            lambda: backend.memories_create_with_internal_blobs(
                caller.capsule, memory_metadata(), [asset], caller.idem()
            ),
        ),
        (
            "memories_delete_bulk",
            lambda: backend.memories_delete_bulk(caller.capsule, [theirs.memory], True),
        ),
        ("memories_cleanup_assets_bulk", lambda: backend.memories_cleanup_assets_bulk([theirs.memory])),
    )


def _nothing_comes_of_it(what: str, call: Callable[[], Any]) -> None:
    try:
        result = call()
    except (BackendError, RejectError) as error:
        if blame(error) is Blame.NETWORK:
            raise
        return
    for count in ("asset_removed", "deleted_count", "ok"):
        if hasattr(result, count):
            require(
                not getattr(result, count),
                f"{what} reports success on another caller's data",
                _MEANING,
            )
            return
    require(holds=False, what=f"{what} with another's id beside one's own was accepted", meaning=_MEANING)


def _tokens_for_foreign_assets(own: _Photo, theirs: _Photo) -> None:
    """A token for one's own memory and a foreign asset opens nothing of the other."""
    if not own.caller.can("mint_http_token"):
        return
    try:
        token = own.caller.backend.mint_http_token(own.memory, ["original"], [theirs.asset], TTL_S)
    except HarnessError as error:
        if blame(error) is Blame.CANISTER:
            return
        raise
    url = f"{asset_url(own.memory, 'original', token)}&id={theirs.asset}"
    answered = get(own.caller, url)
    opened = answered.status_code == 200 and answered.body == theirs.sample.data
    require(not opened, "a token for one's own memory opens another's asset", _MEANING)
