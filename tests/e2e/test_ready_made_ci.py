"""The workflow and the hook that users take as they are: every command of them runs, and every option exists."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ic_harness.cli.gate import gate

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/canister-gate.yml").read_text(encoding="utf-8"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
INPUTS = WORKFLOW[True]["workflow_call"]["inputs"]  # YAML 1.1 reads the key `on` as true
STEPS = WORKFLOW["jobs"]["gate"]["steps"]
COMMANDS = {step["name"]: step for step in STEPS if "run" in step}
PREFIX = "IC_HARNESS_GATE_"


@pytest.fixture
def machine(tmp_path):
    """A machine of a CI: `python` notes what it is asked for, `ic-harness` is ours, GitHub's variables are set."""
    programs = tmp_path / "programs"
    programs.mkdir()
    package = f'PYTHONPATH={shlex.quote(str(ROOT / "src"))} exec {shlex.quote(sys.executable)} -m ic_harness.cli "$@"'
    for name, text in (("python", f'printf "%s\\n" "$@" > {tmp_path}/python.txt'), ("ic-harness", package)):
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("IC_HARNESS", "GITHUB"))
    }
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "page.md")}
    return clean | github | {"PATH": f"{programs}:{os.environ['PATH']}"}


def evaluate(text, given):
    """Put inputs in, as GitHub does for `${{ inputs.x }}` and `${{ inputs.x || 'y' }}`."""

    def value(found):
        name, otherwise = found[1], found[2]
        return str(given.get(name) or otherwise or "")

    return re.sub(r"\$\{\{ inputs\.([\w-]+)(?: \|\| '([^']*)')? \}\}", value, text)


def run_step(step, given, machine, folder):
    """Run one `run:` as a runner does."""
    variables = {name: evaluate(text, given) for name, text in step.get("env", {}).items()}
    assert "${{" not in step["run"], "an input in the text of a command could become a command"
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        shell, cwd=folder, env=machine | variables, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_input_is_used_and_every_used_one_is_declared():
    """An input that nobody declared would be empty without anybody noticing."""
    used = set(re.findall(r"inputs\.([\w-]+)", str(STEPS)))
    assert used == set(INPUTS)
    assert all(each["description"] and each["type"] == "string" for each in INPUTS.values())


def test_every_variable_is_an_option_of_the_gate():
    """The options go in as variables, named as the command line names them."""
    options = {f"{PREFIX}{option.name.upper()}": option for option in gate.params}
    variables = COMMANDS["Judge"]["env"]
    assert set(variables) <= set(options)
    for name, text in variables.items():
        (flag,) = (flag for flag in options[name].opts if flag.startswith("--"))
        assert f"inputs.{flag[2:]}" in text


def test_the_action_takes_the_same_options():
    """What the workflow passes to the gate is what the action passes, input by input."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (judge,) = (step for step in action["runs"]["steps"] if step.get("name") == "Judge")
    assert judge["env"] == COMMANDS["Judge"]["env"]
    assert set(re.findall(r"inputs\.([\w-]+)", str(action["runs"]["steps"]))) == set(action["inputs"])


def test_the_job_asks_for_as_little_as_it_can():
    """It may read the repository, and nothing else; and it ends."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["gate"]["timeout-minutes"] <= 30


def test_the_gate_is_installed(machine, tmp_path):
    """By default the released package; another requirement is passed on as one word."""
    step = COMMANDS["Install the gate"]
    for given, expected in (
        ({}, "ic-harness"),
        ({"requirement": "ic-harness==1; rm -rf /"}, "ic-harness==1; rm -rf /"),
    ):
        assert run_step(step, given, machine, tmp_path).returncode == 0
        assert (tmp_path / "python.txt").read_text().splitlines() == [
            "-m",
            "pip",
            "install",
            "--quiet",
            expected,
        ]


def test_the_build_command_is_run(machine, tmp_path):
    """It may be several commands; the first one that fails fails the job."""
    done = run_step(COMMANDS["Build"], {"build": "echo made > x.wasm && test -s x.wasm"}, machine, tmp_path)
    assert (done.returncode, (tmp_path / "x.wasm").read_text()) == (0, "made\n")
    assert run_step(COMMANDS["Build"], {"build": "false; true"}, machine, tmp_path).returncode == 1


def test_the_job_refuses_and_tells(machine, tmp_path):
    """A bad build fails the job with annotations, a summary on its page, and a report for the artifact."""
    (tmp_path / "bad.wasm").write_bytes(b"no wasm")
    done = run_step(COMMANDS["Judge"], {"wasm": "bad.wasm", "report": "found"}, machine, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "REFUSED" in done.stdout
    assert "::error" in done.stderr
    assert "bad.wasm" in (tmp_path / "page.md").read_text(encoding="utf-8")
    assert (tmp_path / "found" / "index.html").is_file()
    kept = STEPS[-1]
    assert evaluate(kept["with"]["path"], {"report": "found"}) == "found"
    assert "cancelled" in kept["if"]  # also after a failure, when it is wanted most


@pytest.mark.parametrize("command", [COMMANDS["Judge"], {"run": HOOK["entry"]}], ids=["workflow", "hook"])
def test_what_is_not_given_stands_in_the_file(machine, tmp_path, command):
    """Empty inputs, and a hook without arguments, leave everything to ic-harness.toml."""
    (tmp_path / "bad.wasm").write_bytes(b"no wasm")
    (tmp_path / "ic-harness.toml").write_text('[gate]\nwasm = "bad.wasm"\n')
    done = run_step(command, {}, machine, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "bad.wasm must not be deployed" in done.stdout


@pytest.mark.parametrize(
    ("path", "judged"),
    [
        ("backend.wasm", True),
        ("released/backend.wasm.gz", True),
        ("src/backend/backend.did", True),
        ("ic-harness.toml", True),
        ("README.md", False),
        ("old-ic-harness.toml", False),
    ],
)
def test_the_hook_runs_when_the_canister_changes(path, judged):
    """A push that changes no build, interface or rule is not judged again."""
    assert bool(re.search(HOOK["files"], path)) is judged
    assert HOOK["pass_filenames"] is False
    assert HOOK["language"] == "python"
