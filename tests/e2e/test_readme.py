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
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code blocks of a page: language and text. `sh` and `python` are run, `text` is checked."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


BLOCKS = blocks(PAGES[0])
COMMANDS = [
    line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if line.strip()
]
PROGRAMS = [text for language, text in BLOCKS if language == "python"]
GROUPS = {"bulk", "identity", "replica"}
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
    assert re.search(r"^\d+ passed in ", out, re.MULTILINE), out


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Files that the README and its pages link to are there."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shown_commands_exist(page):
    """Commands that are only shown name programs, subcommands and options that exist."""
    shown = [
        line.split()
        for language, text in blocks(page)
        if language == "text"
        for line in text.splitlines()
        if line.strip()
    ]
    for words in shown:
        if words[0] == "ic-harness":
            command = words[1:3] if words[1] in GROUPS else words[1:2]
            program = [sys.executable, "-m", "ic_harness.cli", *command, "--help"]
            _check_options(words, _run(program, ROOT).stdout)
        elif words[0] == "pytest":
            _check_options(words, _run([sys.executable, "-m", "pytest", "--help"], ROOT).stdout)
        elif words[0].startswith(("scripts/", ".ci/")):
            assert (ROOT / words[0]).exists(), words


def _check_options(words: list[str], help_text: str) -> None:
    for word in words[2:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in help_text, words
