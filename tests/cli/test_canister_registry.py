"""Canisters that were deployed by name are found again, on their own network only."""

from __future__ import annotations

import pytest

from ic_harness.cli.canister_registry import lookup, register
from ic_harness.errors import StateError
from ic_harness.principal import Principal

CANISTER = Principal(bytes(8) + b"\x01\x01")


def test_canister_is_found_again(tmp_path):
    """A canister is found by name and root key, and by no other pair of them."""
    register(tmp_path, b"key", "backend", CANISTER)
    assert lookup(tmp_path, b"key", "backend") == CANISTER
    assert lookup(tmp_path, b"other", "backend") is None
    assert lookup(tmp_path, b"key", "other") is None


def test_new_names_keep_the_old_ones(tmp_path):
    """Remembering one canister forgets no other."""
    register(tmp_path, b"key", "a", CANISTER)
    register(tmp_path, b"key", "b", Principal(b"\x02"))
    assert lookup(tmp_path, b"key", "a") == CANISTER


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_damaged_file_is_told_and_kept(tmp_path, text):
    """A damaged file is refused with what to do, and not overwritten."""
    (tmp_path / "canisters.json").write_text(text)
    with pytest.raises(StateError, match="delete it"):
        register(tmp_path, b"key", "a", CANISTER)
    assert (tmp_path / "canisters.json").read_text() == text
