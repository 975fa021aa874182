"""Programs of others: found, run to their end, and ended with everything that they started."""

from __future__ import annotations

import pytest

from ic_harness.errors import NetworkError
from ic_harness.networks.deadline import Deadline
from ic_harness.networks.processes import Child, Program, run

from .standins.tools import alive, gone

PROGRAM = Program(names=("first", "second"), install="Install it", variable="WHICH")


def test_program_is_found_by_its_names(tools):
    """The names are looked for on PATH, in their order."""
    assert PROGRAM.find(tools.environ) is None
    second = tools.script("second", "")
    assert PROGRAM.find(tools.environ) == second
    first = tools.script("first", "")
    assert PROGRAM.require(tools.environ) == first


def test_variable_wins(tools):
    """The variable names the file, whatever is on PATH; empty it counts as not set."""
    first, other = tools.script("first", ""), tools.script("other", "")
    assert PROGRAM.find(tools.environ | {"WHICH": str(other)}) == other
    assert PROGRAM.find(tools.environ | {"WHICH": ""}) == first


def test_file_that_cannot_be_run_is_no_program(tools):
    """A variable that names a file without permission to run it is told."""
    path = tools.script("other", "")
    path.chmod(0o644)
    with pytest.raises(NetworkError, match="that is no program: Install it"):
        PROGRAM.find(tools.environ | {"WHICH": str(path)})


def test_output_is_told(tools):
    """The end of what a program printed comes back in one line."""
    path = tools.script("talk", "printf 'a%.0s' $(seq 5000); echo; echo ' two '; echo three >&2")
    said = run([path], environ=tools.environ, deadline=Deadline(30.0))
    assert said.endswith("a two three")
    assert len(said) <= 2000


def test_failure_is_told(tools, tmp_path):
    """A program that fails is told with its arguments, status and words."""
    path = tools.script("fail", "echo $PWD; exit 7")
    with pytest.raises(NetworkError, match=rf"`fail --now` failed with status 7; it said: {tmp_path}$"):
        run([path, "--now"], cwd=tmp_path, environ=tools.environ, deadline=Deadline(30.0))


def test_background_of_a_success_goes_on(tools, tmp_path):
    """What a program left in the background when it succeeded is what was wanted."""
    path = tools.script("serve", f"sleep 1000 & echo $! > {tmp_path}/pid")
    run([path], environ=tools.environ, deadline=Deadline(30.0))
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    run(["kill", str(pid)], environ=tools.environ, deadline=Deadline(30.0))


def test_background_of_a_failure_is_ended(tools, tmp_path):
    """What a program left in the background when it failed does not stay behind."""
    path = tools.script("serve", f"sleep 1000 & echo $! > {tmp_path}/pid; exit 1")
    with pytest.raises(NetworkError, match="failed with status 1"):
        run([path], environ=tools.environ, deadline=Deadline(30.0))
    pid = int((tmp_path / "pid").read_text())
    assert gone(pid)


def test_stubborn_process_is_killed(tools, soon, tmp_path):
    """A process that does not end when asked is killed, and what it started with it."""
    text = f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/pid; while :; do wait; done"
    child = Child([tools.script("stubborn", text)], environ=tools.environ)
    written = lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().endswith("\n")  # noqa: E731
    assert Deadline(30.0).wait_for(lambda: written() or None)
    child.stop(soon)
    child.stop(soon)  # twice is once
    assert not alive(child.pid)
    pid = int((tmp_path / "pid").read_text())
    assert gone(pid)


def test_missing_file_is_told(tools):
    """A program that is not there any more is told."""
    with pytest.raises(NetworkError, match="cannot start /nowhere/it: No such file"):
        Child(["/nowhere/it"], environ=tools.environ)
