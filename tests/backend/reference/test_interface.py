"""The reference's interface can take the place of the deployed one, and has no back doors."""

from __future__ import annotations

from pathlib import Path

import pytest

from ic_capsule.backend import reference_did
from ic_harness import candid

DEPLOYED = (Path(__file__).resolve().parents[3] / "fixtures" / "candid" / "generation-h.did").read_text(
    "utf-8"
)


def test_clients_of_generation_h_keep_working():
    """Upgrading a canister of generation H to the reference breaks no client of its upload and memory part."""
    assert candid.check_upgrade(DEPLOYED, reference_did()) == []


@pytest.mark.parametrize(
    ("present", "other"),
    [
        ("whoami : () -> (principal) query;", ""),
        ("chunk_count : nat32 };", "chunk_count : text };"),
        (
            "blob_read : (locator : text) -> (RBlob) query;",
            "blob_read : (locator : text, nat32) -> (RBlob) query;",
        ),
    ],
)
def test_a_breaking_change_would_be_found(present, other):
    """The check is no empty promise: a lost method, another type or one more argument breaks clients."""
    assert present in reference_did()
    assert candid.check_upgrade(DEPLOYED, reference_did().replace(present, other))


def test_nothing_is_there_for_debugging():
    """No method's name is that of a debugging endpoint."""
    methods = candid.parse(reference_did()).methods
    assert [name for name in methods if name.startswith(("debug", "dev", "_", "test"))] == []
