"""Quotas: set at installation or by controllers, and answered with ResourceExhausted."""

from __future__ import annotations

import pytest

from ic_capsule.backend import BlobHosting, PersonRefOpaque, QuotasUpdate, reference_did, reference_wasm
from ic_capsule.suite.sample_data import asset_metadata, content
from ic_harness import candid
from ic_harness.errors import BackendError

SMALL = content(100)


def remember(caller, idem, data=None):
    """Make a memory with these inline bytes, or with an external asset."""
    where, key = (None, None) if data else (BlobHosting.S3, "key")
    return caller.backend.memories_create(
        caller.capsule, data, None, where, key, None, None, None, asset_metadata(SMALL), idem
    )


def upload(caller, idem):
    """Upload a hundred bytes."""
    return caller.upload(SMALL, idem=idem)


LIMITED = {
    "memories_per_capsule": (2, remember),
    "inline_bytes_per_capsule": (250, lambda caller, idem: remember(caller, idem, SMALL.data)),
    "blob_bytes_per_capsule": (250, upload),
    "sessions_per_caller_and_capsule": (2, lambda caller, idem: caller.begin(1, idem)),
    "capsules_per_principal": (
        3,
        lambda caller, idem: caller.backend.capsules_create(PersonRefOpaque(value=idem)),
    ),
}


@pytest.fixture(params=["init argument", "update method"])
def limited(request, stage_on, canister_id, network):
    """A stage on a canister on which one quota has a value, set in one of the two ways."""

    def stage(name, value):
        if request.param == "update method":
            on = stage_on(canister_id)
            on.controller().backend.quotas_update(QuotasUpdate(**{name: value}))
            return on
        types = candid.parse(reference_did()).init_args
        assert types is not None
        return stage_on(network.deploy(reference_wasm(), candid.encode([{"quotas": {name: value}}], types)))

    return stage


@pytest.mark.parametrize("name", LIMITED)
def test_a_quota_is_kept(limited, name):
    """Two things fit, the third is ResourceExhausted; other quotas stay as they were, other callers have their own."""
    value, make = LIMITED[name]
    stage = limited(name, value)
    quotas = stage.controller().backend.quotas()
    assert getattr(quotas, name) == value
    assert quotas.session_ttl_ns == 2 * 3_600 * 10**9
    alice, bob = stage.caller("alice"), stage.caller("bob")
    assert alice.capsule
    for number in range(2):
        make(alice, f"idem {number}")
    with pytest.raises(BackendError, match="ResourceExhausted"):
        make(alice, "idem 2")
    make(bob, "idem 0")


def test_only_controllers_set_quotas(stage):
    """Anybody may read the quotas, controllers alone set them."""
    alice = stage.caller("alice").backend
    before = alice.quotas()
    with pytest.raises(BackendError, match="Unauthorized"):
        alice.quotas_update(QuotasUpdate(memories_per_capsule=1))
    assert alice.quotas() == before
