"""Reads the code blocks of a page, and writes them into a folder where a test runs them.

A block is a fence with a language and an optional title, which the site shows above it:

    ```python title="conftest.py"          written under this name
    ```python title="not run: needs dfx"   listed by a test, never run

Blocks of one page share a folder, as the files of one project do. `python` and `py` blocks with tests become test
files, other ones are programs; `sh` blocks are commands; `toml`, `json` and `yaml` are parsed; `motoko`, `rust` and
`typescript` are excerpts of the fixtures' sources; `text`, `diff`, `candid` and `javascript` are shown only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conftest import INSTALLED

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
CANISTERS: Final = ROOT / "fixtures" / "canisters"
PAGES: Final = sorted(DOCS.rglob("*.md"))
NOT_RUN: Final = "not run: "
_FENCE: Final = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"\n]*)")?\n(?P<text>.*?)^(?P=indent)```$',
    re.MULTILINE | re.DOTALL,
)
_ANY_FENCE: Final = re.compile(r"^ *```(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One code block: where it is, its language, its title ("" without one) and its text."""

    page: str
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def python(self) -> bool:
        return self.language in ("python", "py")

    @property
    def tests(self) -> int:
        """How many tests the block defines."""
        return len(re.findall(r"^(?:async )?def test_", self.text, re.MULTILINE)) if self.python else 0

    @property
    def reason(self) -> str:
        """Why the block is not run; empty for a block that is."""
        return self.title.removeprefix(NOT_RUN) if self.title.startswith(NOT_RUN) else ""

    @property
    def file(self) -> str:
        """The name under which the block is written: its title, else one of its own; empty for other languages."""
        if self.reason:
            return ""
        if re.fullmatch(r"[\w./-]+\.\w+", self.title):
            return self.title
        return f"{'test_' if self.tests else 'program_'}line_{self.line}.py" if self.python else ""


def read_blocks(page: Path) -> list[Block]:
    """Return all blocks of a page. Raises `ValueError` for a fence that would not be recognized."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    found = list(_FENCE.finditer(text))
    if len(found) != len(_ANY_FENCE.findall(text)):
        raise ValueError(f'{name}: a fence is neither ```language nor ```language title="…"')
    return [_block(name, text, match) for match in found]


def _block(name: str, text: str, match: re.Match[str]) -> Block:
    indent = match["indent"]
    lines = [line.removeprefix(indent) for line in match["text"].splitlines(keepends=True)]
    line = text.count("\n", 0, match.start()) + 1
    return Block(name, line, match["language"], match["title"] or "", "".join(lines))


def write_files(blocks: list[Block], folder: Path) -> None:
    """Write the files of a page; a name that is used twice is an error of the page."""
    for block in blocks:
        if block.file:
            path = folder / block.file
            assert not path.exists(), f"{block}: {block.file} exists already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def copy_canister(fixture: str, folder: Path, name: str = "") -> None:
    """Copy a fixture such as `motoko/counter`, module and interface, under its own name or `name`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = name or fixture.rpartition("/")[2]
    shutil.copy(CANISTERS / f"{fixture}.wasm.gz", folder / f"{made}.wasm.gz")
    interface = CANISTERS / f"{fixture}.did"
    if interface.exists():
        shutil.copy(interface, folder / f"{made}.did")


def start(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder as a user does: nothing of this test run or of the machine's settings reaches it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    hidden = ("PYTEST_", "IC_HARNESS_", "GITHUB_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    found = (
        {} if INSTALLED else {"PYTHONPATH": str(ROOT / "src"), "PYTEST_PLUGINS": "ic_harness.testing.plugin"}
    )
    return subprocess.run(
        command,
        cwd=folder,
        env=inherited | found | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def passed(done: subprocess.CompletedProcess[str]) -> int:
    """Return how many tests a run of pytest reports as passed; the run must have succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    return int(counted[1]) if counted else 0
