"""The file with the process that serves a state folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ic_harness.cli.server_lock import hold_server_lock, running_server


def test_note_lives_as_long_as_the_server(tmp_path):
    """The file has pid and URL while the server runs, and is deleted afterwards."""
    with hold_server_lock(tmp_path, "http://127.0.0.1:1"):
        server = running_server(tmp_path)
        assert server is not None
        assert (server.pid, server.url) == (os.getpid(), "http://127.0.0.1:1")
    assert running_server(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_note_of_a_dead_process_counts_for_nothing(tmp_path):
    """A note whose process is gone is no running server."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / "server.json").write_text(json.dumps({"pid": child.pid, "url": "http://127.0.0.1:1"}))
    assert running_server(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": "x", "url": 1}'])
def test_damaged_note_counts_for_nothing(tmp_path, text):
    """A note that cannot be read is no running server."""
    (tmp_path / "server.json").write_text(text)
    assert running_server(tmp_path) is None
