"""kill -9 in the middle of an upload: the same command again works, and the state is whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap

import pytest

from ic_capsule.uploads import make_large_jpeg

VICTIM = """
import os, signal, sys, threading
from ic_harness.agent import Agent
from ic_harness.cli import commands

method, number = sys.argv[1], int(sys.argv[2])
calls, original, lock = [], Agent.update, threading.Lock()

def update(self, canister_id, name, *args, **kwargs):
    reply = original(self, canister_id, name, *args, **kwargs)
    with lock:
        calls.append(name)
        if calls.count(method) == number:
            os.kill(os.getpid(), signal.SIGKILL)
    return reply

Agent.update = update
commands(sys.argv[3:])
"""


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("capsules_create", 1),
        ("uploads_begin", 1),
        ("uploads_put_chunk", 1),
        ("uploads_put_chunk", 3),
        ("uploads_finish", 1),
        ("memories_create_with_internal_blobs_and_inline_assets", 1),
    ],
)
def test_killed_upload_can_be_repeated(run, tmp_path, method, number):
    """An upload that is killed after some call leaves a state in which the same command succeeds."""
    photo = tmp_path / "large.jpg"
    photo.write_bytes(make_large_jpeg(6_000_000))
    script = tmp_path / "victim.py"
    script.write_text(textwrap.dedent(VICTIM))
    command = [sys.executable, script, method, str(number), "upload", photo]
    victim = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert victim.returncode == -signal.SIGKILL, victim.stderr.decode()
    again = run("upload", photo, "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["verified"] is True


def test_download_that_fails_leaves_no_half_file(run, tmp_path, photo):
    """A failing download leaves nothing at its target; see tests of `write_atomically` for the rest."""
    stored = json.loads(run("upload", photo, "--json").stdout)
    result = run("download", stored["memory_id"], "-o", tmp_path / "none" / "out")
    assert result.exit_code == 2
    assert not (tmp_path / "none").exists()
