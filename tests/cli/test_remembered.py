"""Canisters that were deployed by name are found again, on their own network only."""

from __future__ import annotations

import pytest

from ic_harness.cli.remembered import recall, remember
from ic_harness.errors import StateError
from ic_harness.principal import Principal

CANISTER = Principal(bytes(8) + b"\x01\x01")


def test_canister_is_found_again(tmp_path):
    """A canister is found by name and root key, and by no other pair of them."""
    remember(tmp_path, b"key", "backend", CANISTER)
    assert recall(tmp_path, b"key", "backend") == CANISTER
    assert recall(tmp_path, b"other", "backend") is None
    assert recall(tmp_path, b"key", "other") is None


def test_new_names_keep_the_old_ones(tmp_path):
    """Remembering one canister forgets no other."""
    remember(tmp_path, b"key", "a", CANISTER)
    remember(tmp_path, b"key", "b", Principal(b"\x02"))
    assert recall(tmp_path, b"key", "a") == CANISTER


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_damaged_file_is_told_and_kept(tmp_path, text):
    """A damaged file is refused with what to do, and not overwritten."""
    (tmp_path / "canisters.json").write_text(text)
    with pytest.raises(StateError, match="delete it"):
        remember(tmp_path, b"key", "a", CANISTER)
    assert (tmp_path / "canisters.json").read_text() == text
