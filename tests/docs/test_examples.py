"""Each example runs as its reader would run it: the commands of its README, in a copy of its folder."""

from __future__ import annotations

import re
import shutil

import pytest

from .snippets import ROOT, passed, read_blocks, start

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/README.md"))
BUILT = shutil.ignore_patterns("build", "__pycache__", ".pytest_cache")


@pytest.fixture
def copied(tmp_path, example):
    """The example as in a checkout: its folder, what prepares it, and the fixtures; nothing that was built."""
    shutil.copytree(example, tmp_path / "examples" / example.name, ignore=BUILT)
    shutil.copy(ROOT / "examples" / "prepare.py", tmp_path / "examples")
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures", target_is_directory=True)
    return tmp_path / "examples" / example.name


def test_there_are_five():
    """The list of examples names each of them."""
    assert len(EXAMPLES) == 5
    listed = re.findall(
        r"^\| \[([\w-]+)\]\(\1\)", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(listed) == [path.name for path in EXAMPLES]


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_runs(example, copied):
    """All commands succeed, and pytest runs every test of the example."""
    commands = "".join(block.text for block in read_blocks(example / "README.md") if block.language == "sh")
    runs = []
    for line in commands.splitlines():
        done = start(["sh", "-c", line], copied)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        if line.startswith("pytest"):
            runs.append(passed(done))
    tests = sum(
        path.read_text(encoding="utf-8").count("\ndef test_") for path in (copied / "tests").glob("*.py")
    )
    assert runs[0] == tests


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_is_small(example):
    """No module is committed with an example, and nothing is imported that is not public."""
    files = [path for path in example.rglob("*") if path.is_file() and "build" not in path.parts]
    assert sum(path.stat().st_size for path in files if path.suffix != ".pyc") < 20_000
