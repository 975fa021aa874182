"""Files of the command line are whole or not there."""

from __future__ import annotations

import stat

import pytest

from ic_harness.cli.files import write_atomically, write_once
from ic_harness.errors import InputError


def test_parts_become_one_file(tmp_path):
    """The parts are written in order, and their length is returned."""
    assert write_atomically(tmp_path / "out", [b"ab", b"", b"c"]) == 3
    assert (tmp_path / "out").read_bytes() == b"abc"


def failing_parts():
    yield b"half"
    raise RuntimeError("the network is gone")


def test_failure_leaves_the_old_file(tmp_path):
    """When the parts break off, the old content stays and nothing else is left in the folder."""
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_atomically(target, failing_parts())
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_that_is_not_there_is_told(tmp_path):
    """A target in a folder that does not exist is bad input."""
    with pytest.raises(InputError, match="cannot write"):
        write_atomically(tmp_path / "none" / "out", [b"x"])


def test_first_writer_wins(tmp_path):
    """A private file is written once, readable by its owner only, and never replaced."""
    path = tmp_path / "state" / "key"
    assert write_once(path, b"first")
    assert not write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_that_cannot_be_kept_is_told(tmp_path):
    """A folder that cannot be made is wrong input with the name of the file, not an error of the system."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=f"cannot write {tmp_path / 'file' / 'key'}"):
        write_once(tmp_path / "file" / "key", b"secret")
