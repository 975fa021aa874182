"""The group of commands: loading, help, and errors that become one line and a status."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from ic_harness.cli import commands
from ic_harness.cli.entries import known_commands
from ic_harness.errors import ImageError, RejectError, UploadError

from .conftest import refused


@pytest.mark.parametrize("name", known_commands())
def test_every_command_has_help(run, name):
    """Each command of the table loads and explains itself."""
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: ic-harness {name}" in result.stdout.replace("commands", "ic-harness", 1)


def test_help_lists_every_command(run):
    """`--help` names every command with its summary."""
    text = " ".join(run("--help").stdout.split())
    assert all(
        f"{name} {' '.join(entry.summary.split())}" in text for name, entry in known_commands().items()
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_loads_nothing_heavy(option):
    """It imports neither the engine nor the network nor images, so that it is there at once."""
    code = (
        "import sys; from ic_harness.cli import commands\n"
        f"try: commands(['{option}'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'wasmtime', 'httpx', 'PIL', 'pydantic', 'rich', 'pytest', 'cryptography', 'asyncio',"
        " 'ic_harness.replica', 'ic_harness.networks', 'ic_harness.protocol'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_call_by_url_loads_neither_engine_nor_event_loop():
    """A call on a network of this machine loads the client only, which speaks HTTP there by sockets."""
    code = (
        "import sys; from ic_harness.cli.main import main\n"
        "sys.argv = 'ic-harness call aaaaa-aa raw_rand --network http://127.0.0.1:9'.split()\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 1, end.code\n"
        "heavy = {'wasmtime', 'httpx', 'PIL', 'pydantic', 'rich', 'pytest', 'asyncio', 'ic_harness.networks.projects',"
        " 'ic_harness.networks.canister', 'ic_harness.agent.management'}\n"
        "assert 'ic_harness.agent.transport_loopback' in sys.modules\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["frobnicate"], ["No such command 'frobnicate'"]),
        (["replica", "start", "--port", "x"], ["--port", "'x'"]),
        (["replica", "start", "--port", "70000"], ["--port", "70000"]),
        (["upload"], ["Missing argument 'PATH...'"]),
        (["upload", "--frob"], ["No such option", "--frob"]),
        (["download", "blob_1"], ["Missing option '-o'"]),
        (["call", "aaaaa-aa"], ["Missing argument 'METHOD'"]),
    ],
)
def test_bad_arguments_are_one_line(run, args, words):
    """Wrong arguments end with status 2 and one line that names them."""
    refused(run(*args), 2, *words)


def failing(monkeypatch, error):
    @click.command()
    def doctor():
        raise error

    monkeypatch.setattr("ic_harness.cli.doctor.doctor", doctor)
    return CliRunner().invoke(commands, ["doctor"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ImageError("x.txt is no image"), 2),
        (UploadError("the canister said no"), 1),
        (RejectError(5, "trapped:\n  oh no", "IC0503", method="m", canister="c"), 1),
        (OSError(28, "No space left on device"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_one_line_and_a_status(monkeypatch, error, status):
    """Bad input exits with 2, failures with 1, Ctrl-C with 130; each in one line, but for the lines of a trap."""
    refused(failing(monkeypatch, error), status, in_lines=isinstance(error, RejectError))


def test_a_bug_keeps_its_traceback(monkeypatch):
    """An unexpected error keeps its traceback."""
    assert isinstance(failing(monkeypatch, ZeroDivisionError()).exception, ZeroDivisionError)


def test_defaults_come_from_the_file(run, tmp_path):
    """ic-harness.toml sets defaults of options, and a wrong one is reported like a typed one."""
    (tmp_path / "ic-harness.toml").write_text('[call]\nnetwork = "nowhere"\n')
    refused(run("call", "aaaaa-aa", "x"), 2, "no network 'nowhere'")


def test_defaults_come_from_the_environment(run, monkeypatch):
    """IC_HARNESS_NETWORK sets the network of every command."""
    monkeypatch.setenv("IC_HARNESS_NETWORK", "elsewhere")
    refused(run("call", "aaaaa-aa", "x"), 2, "no network 'elsewhere'")
