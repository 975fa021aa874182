"""`ic-harness replay`: stepping through the messages of a failure, and options that do not fit."""

from __future__ import annotations

import pytest

from ic_harness.history import FailedTest, failure_of, write_failure
from ic_harness.networks import embedded
from tests.history import vaults


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """The failure file of a vault that four calls broke."""
    path = tmp_path_factory.mktemp("failures") / "vault.ic-failure"
    with embedded(history=True) as network:
        vault = network.deploy(vaults.faulty())
        for method in ("open", "fill", "idle", "seal"):
            network.agent().update(vault, method, vaults.EMPTY)
        network.agent().query(vault, "sound", vaults.EMPTY)
        test = FailedTest(
            name="t\x1b[31m.py::test", error="AssertionError", message="not\x1b[2J sound", where="t.py:3"
        )
        write_failure(
            path,
            failure_of(test, network.record().setup, network.record().events, [(vault, "va\x1b[31mult")]),
        )
    return path


def stepped(run, left, *commands):
    result = run("replay", left, "--step", *(word for command in commands for word in ("-c", command)))
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    return result.output.partition("as in the failing test\n")[2].splitlines()


def test_steps(run, left):
    lines = stepped(
        run, left, "back", "back", "state", "next 2", "logs", "query rwlgt-iiaaa-aaaaa-aaaaa-cai sound"
    )
    assert "seal" in lines[0]
    assert "fill" in lines[2]
    assert lines[4].split() == ["cycles", lines[4].split()[1], "→", lines[4].split()[3]]
    assert any(line.endswith("0101 → 0202") for line in lines)
    assert lines[-2:] == ["  sealed", "(0 : nat32)"]


def test_mistakes_are_shown_and_the_next_command_is_run(run, left):
    lines = stepped(
        run, left, "goto 99", "goto x", "bogus", "query a", "state xx", "logs 'open", "goto 0", "quit", "next"
    )
    assert [line.partition(":")[0] for line in lines[1:-1]] == ["error"] * 6
    assert "provisional_create" in lines[-1]


def test_list_and_sequence(run, left):
    lines = stepped(run, left, "list 1", "sequence 1")
    assert [line.split()[0] for line in lines[1:]] == ["4", "▶", "…", "5", "5"]


@pytest.mark.parametrize(
    ("args", "says"),
    [(["-o", "x"], "--output needs --shrink"), (["-c", "next"], "--command needs --step")],
)
def test_options_that_do_not_fit(run, left, args, says):
    result = run("replay", left, *args)
    assert result.exit_code == 2
    assert says in result.output


def test_calls_as_a_page(run, left, tmp_path):
    assert run("replay", left, "--html", tmp_path / "calls.html").exit_code == 0
    page = (tmp_path / "calls.html").read_text()
    assert 'class="sequence"' in page
    assert "\x1b" not in page
