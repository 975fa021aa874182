"""Every command and every program of the README runs, in an empty folder, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if line.strip()
]
PROGRAMS = [text for language, text in BLOCKS if language == "python"]
SCRIPTS = {line for line in COMMANDS if line.startswith("scripts/")}


@pytest.fixture
def folder(tmp_path):
    """An empty folder with the canister and the photo that the README speaks of."""
    motoko = ROOT / "fixtures" / "canisters" / "motoko"
    shutil.copy(motoko / "counter.wasm.gz", tmp_path / "counter.wasm")
    shutil.copy(motoko / "counter.did", tmp_path / "counter.did")
    shutil.copy(ROOT / "fixtures" / "photos" / "hubble.jpg", tmp_path / "holiday.jpg")
    for program in PROGRAMS:
        if name := re.match(r"# (test_\w+\.py)\n", program):
            (tmp_path / name.group(1)).write_text(program, encoding="utf-8")
    return tmp_path


def _run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "IC_HARNESS_"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_readme_has_its_two_commands():
    """The first two commands of the README are the demo and the tests."""
    assert COMMANDS[:2] == ["scripts/demo", "scripts/test"]


@pytest.mark.slow
def test_the_demo(tmp_path):
    """`scripts/demo` stores a photo with four assets and reads it back."""
    out = _run([str(ROOT / "scripts" / "demo")], tmp_path).stdout
    assert all(
        name in out for name in ("Original", "Display", "Thumbnail", "Placeholder", "read back and equal")
    )


@pytest.mark.slow
def test_the_test_command(tmp_path):
    """`scripts/test` runs pytest in the project's folder, wherever it is called from."""
    out = _run(
        [str(ROOT / "scripts" / "test"), "-q", "tests/test_units.py"], tmp_path, IC_HARNESS_WORKERS="0"
    ).stdout
    assert "5 passed" in out


@pytest.mark.slow
def test_commands_run_in_order(folder):
    """All other commands succeed, one after the other."""
    for command in COMMANDS:
        if command not in SCRIPTS:
            _run(["sh", "-c", command], folder)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if not p.startswith("# test_")])
def test_programs_run(program, folder):
    """The programs of the README run as they stand there."""
    _run([sys.executable, "-c", program], folder)


def test_links_lead_somewhere():
    """Files that the README links to are there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_text_commands_exist():
    """Commands that are only shown name options and subcommands that exist."""
    shown = [line for language, text in BLOCKS if language == "text" for line in text.splitlines()]
    for line in shown:
        words = line.split()
        if words[0] == "ic-harness":
            _run([sys.executable, "-m", "ic_harness.cli", words[1], "--help"], ROOT)
        else:
            assert (ROOT / words[0]).exists(), line
