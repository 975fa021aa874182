"""A TypeScript canister by Azle runs unchanged: a large module, timers and raw_rand at its start, calls."""

from __future__ import annotations

import pytest

from ic_harness.errors import RejectError

from .lab import OWNER, Fixture

pytestmark = pytest.mark.interop


@pytest.fixture
def azle(lab):
    """The Azle counter, which begins at 40."""
    return lab.deploy("azle/counter")


def test_calls(azle):
    """Updates, queries and a stable map behave as written; a throw and a trap keep nothing."""
    assert (azle.call("get"), azle.call("increment"), azle.call("whoami")) == (40, 41, OWNER)
    assert (azle.call("put", "a", "b"), azle.call("put", "a", "c"), azle.call("fetch", "a")) == (
        None,
        "b",
        "c",
    )
    for method, text in (("fail", "thrown by Azle"), ("fail_by_trap", "trapped by Azle")):
        with pytest.raises(RejectError, match=text) as refused:
            azle.call(method)
        assert refused.value.error_code == "IC0503"
    assert azle.call("get") == 41


def test_calls_between_canisters(azle, lab):
    """An awaited call to another Azle canister gives its reply."""
    other = lab.deploy("azle/counter")
    assert azle.call("increment_other", other.id) == other.call("get") == 41


def test_upgrade(azle):
    """An upgrade keeps the stable map and begins the heap anew."""
    azle.call("increment")
    azle.call("put", "a", "b")
    newer = azle.upgrade(Fixture("azle/counter"))
    assert (newer.call("get"), newer.call("fetch", "a"), newer.call("after_upgrade")) == (40, "b", True)
