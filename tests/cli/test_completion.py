"""`ic-harness completion`, and the completions that a shell gets at Tab."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from ic_harness.cli import commands
from ic_harness.cli.canister_registry import register
from ic_harness.principal import Principal

from .conftest import refused


@pytest.fixture
def tab(tmp_path, monkeypatch):
    """What is offered after these words, in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DFX_CONFIG_ROOT", "ICP_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)

    def press(*words):
        shell = ShellComplete(commands, {}, "ic-harness", "_IC_HARNESS_COMPLETE")
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    return press


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(run, shell):
    """The script asks this command for completions, and nothing else is printed."""
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_IC_HARNESS_COMPLETE" in result.stdout
    assert result.stderr == ""


def test_unknown_shells_are_refused(run):
    """A shell without completion is a wrong argument."""
    refused(run("completion", "cmd"), 2, "cmd")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_is_bash(run):
    """Bash accepts the script."""
    script = run("completion", "bash").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_shell_asks_by_the_environment():
    """What the script runs at every Tab answers with the completions, one a line."""
    asked = {"_IC_HARNESS_COMPLETE": "bash_complete", "COMP_WORDS": "ic-harness ca", "COMP_CWORD": "1"}
    command = [sys.executable, "-m", "ic_harness.cli"]
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, env=asked | path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["plain,call"]


def test_commands_and_options(tab):
    """Commands, the commands of groups, and options."""
    assert tab("co") == ["completion"]
    assert tab("identity", "") == ["list", "principal", "show"]
    assert tab("call", "--q") == ["--query"]


def test_networks(tab):
    """Names of networks."""
    assert tab("call", "--network", "emb") == ["embedded"]
    assert tab("upload", "--network", "http") == []


def test_identities(tab, tmp_path):
    """Identities that dfx keeps, else files."""
    (tmp_path / ".config" / "dfx" / "identity" / "alice").mkdir(parents=True)
    assert tab("call", "--identity", "dfx:al") == ["dfx:alice"]
    assert tab("call", "--identity", "an") == ["anonymous"]
    assert tab("call", "--identity", "key.p") == ["key.p"]  # the shell completes files by itself


def test_canisters_and_methods(tab, tmp_path):
    """Canisters that were deployed from here, and methods where an interface is at hand."""
    register(tmp_path / ".ic-harness", b"key", "mine", Principal(b"\x01"))
    (tmp_path / "a.did").write_text("service : { greet : () -> (); great : () -> () query }")
    assert tab("call", "mi") == ["mine"]
    assert tab("call", "--candid", "a.did", "mine", "gre") == ["great", "greet"]
    assert tab("call", "backend", "who") == ["whoami"]
    assert tab("call", "mine", "who") == []


def test_damaged_files_complete_nothing(tab, tmp_path):
    """A file that cannot be read causes no traceback in a shell."""
    (tmp_path / ".ic-harness").mkdir()
    (tmp_path / ".ic-harness" / "canisters.json").write_text("{")
    (tmp_path / "a.did").write_text("service {")
    assert tab("call", "") == []
    assert tab("call", "--candid", "a.did", "mine", "") == []
    assert tab("call", "--candid", "none.did", "mine", "") == []
