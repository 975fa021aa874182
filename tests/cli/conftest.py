"""Running the command line in this process and in others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from click.testing import CliRunner

from ic_capsule.uploads import sample_photo
from ic_harness.cli import commands

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in this process, in a folder of the test's own."""
    monkeypatch.setenv("PYTHONPATH", SOURCE)  # for the processes that a command starts from here
    monkeypatch.chdir(tmp_path)

    def invoke(*args):
        return CliRunner().invoke(commands, [str(arg) for arg in args])

    return invoke


@pytest.fixture
def spawn(tmp_path):
    """Start the command line as a process in a folder of the test's own; it is ended with the test."""
    started = []

    def start(*args, **options):
        process = subprocess.Popen(
            [sys.executable, "-m", "ic_harness.cli", *map(str, args)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": SOURCE},
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def refused(result, status, *words, in_lines=False):
    """Assert that a command ended as it should on an error: the status, one line, nothing else printed.

    With `in_lines` further lines are allowed, each indented: what a canister or network said in several.
    """
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert in_lines or len(lines) == 1, result.stderr
    assert all(line.startswith("  ") for line in lines[1:])
    assert lines[0].startswith("ic-harness: ")
    for word in words:
        assert word in lines[0]


@pytest.fixture
def photo(tmp_path):
    """A real photo in the test's folder."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(sample_photo())
    return path


TRAPPING = '(module (func (export "canister_query upload_config") unreachable))'


@pytest.fixture
def trapping_canister(run, tmp_path):
    """The id of a canister whose `upload_config` traps, which every client asks for first."""
    (tmp_path / "trap.wasm").write_bytes(wasmtime.wat2wasm(TRAPPING))
    return json.loads(run("deploy", "--wasm", tmp_path / "trap.wasm", "--json").stdout)["canister_id"]
