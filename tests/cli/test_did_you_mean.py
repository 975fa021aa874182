"""Names that are not known, and keys of ic-harness.toml that do nothing: errors say what was meant."""

from __future__ import annotations

import pytest

from ic_harness.cli import canister_registry
from ic_harness.principal import Principal

from .conftest import refused


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["uplaod"], ["No such command 'uplaod'", "did you mean upload?"]),
        (["zzzz"], ["No such command 'zzzz'", "there are: replica, call,"]),
        (["replica", "strat"], ["No such command 'strat'", "did you mean start?"]),
        (["identity", "princpal"], ["did you mean principal?"]),
        (["bulk", "serv"], ["did you mean serve"]),
        (["call", "--netwrok", "ic", "a", "b"], ["--netwrok", "--network"]),
        (["call", "a", "b", "--network", "dxf"], ["no network 'dxf'", "did you mean dfx?"]),
        (["gate", "--suite", "generik"], ["no suite 'generik'", "did you mean generic?"]),
    ],
)
def test_names_on_the_command_line(run, args, words):
    """A command, an option, a network or a suite that is not known is bad input, with the one that is like it."""
    refused(run(*args), 2, *words)


def test_canisters(run, tmp_path):
    """A name that is like that of a deployed canister is proposed."""
    canister_registry.register(tmp_path / ".ic-harness", bytes(133), "counter", Principal(b"\1"))
    refused(run("call", "countr", "get"), 2, "'countr' is no canister known here", "did you mean counter?")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("netwrok = 'ic'", "ic-harness.toml has no key 'netwrok'; did you mean network?"),
        ("[call]\nnetwrok = 'ic'", "ic-harness.toml: [call] has no key 'netwrok'; did you mean network?"),
        ("[cal]\nnetwork = 'ic'", "ic-harness.toml has no key 'cal'; did you mean call?"),
        ("[call.more]\nnetwork = 'ic'", "ic-harness.toml: [call] has no key 'more'"),
        ("[gate.acepted]\nUC4 = 1", ""),
        ('[call]\n"\\u001b[31m" = 1', "has no key '␛[31m'"),
    ],
)
def test_keys_that_do_nothing_are_refused(run, tmp_path, text, told):
    """A key or a table that no command reads is refused with the file, the key, and what was meant."""
    (tmp_path / "ic-harness.toml").write_text(text)
    result = run("call", "aaaaa-aa", "x", "--network", "nowhere")
    refused(result, 2, told or "no network 'nowhere'")


def test_keys_of_other_commands_are_known(run, tmp_path):
    """A key outside of tables may be that of any command; tables of other commands and of pytest are left alone."""
    text = "capsule = 'one'\njson = true\n[upload]\ncapsule = 'two'\n[gas]\ntolerance = 1\n[gate.accepted]\n"
    (tmp_path / "ic-harness.toml").write_text(text)
    refused(run("call", "aaaaa-aa", "x", "--network", "nowhere"), 2, "no network 'nowhere'")


def test_keys_are_named_as_the_options(run, tmp_path):
    """`json` in the file is the option `--json`; the commands of a group have the keys of their table."""
    (tmp_path / "ic-harness.toml").write_text("[identity]\njson = true\n")
    result = run("identity", "list")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(("[", "{"))
