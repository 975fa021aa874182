"""Defaults from ic-harness.toml."""

from __future__ import annotations

import pytest

from ic_harness.cli.config import load_defaults
from ic_harness.errors import InputError


def test_no_file_means_no_defaults(tmp_path):
    """Without the file there are no defaults."""
    assert load_defaults({"upload": ()}, tmp_path) == {}


def test_tables_override_the_top(tmp_path):
    """A table named like a command overrides the top level for that command only."""
    (tmp_path / "ic-harness.toml").write_text('network = "a"\nstate-dir = "s"\n[upload]\nnetwork = "b"\n')
    assert load_defaults({"upload": (), "call": ()}, tmp_path) == {
        "upload": {"network": "b", "state_dir": "s"},
        "call": {"network": "a", "state_dir": "s"},
    }


def test_groups_pass_defaults_on(tmp_path):
    """Every command of a group gets the defaults of the group."""
    (tmp_path / "ic-harness.toml").write_text('network = "a"\n[replica]\nport = 4943\n')
    found = load_defaults({"replica": ("start",)}, tmp_path)["replica"]
    assert found["start"] == {"network": "a", "port": 4943}


@pytest.mark.parametrize("content", [b"network = ", b"\xff\xfe"])
def test_damaged_file_is_told(tmp_path, content):
    """A file that is no TOML is bad input, named with its path."""
    (tmp_path / "ic-harness.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"ic-harness\.toml"):
        load_defaults({"upload": ()}, tmp_path)
