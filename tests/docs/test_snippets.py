"""Every snippet of the documentation runs, in a folder of its page, as a reader would run it."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from .snippets import CANISTERS, DOCS, PAGES, Block, copy_canister, passed, read_blocks, start, write_files

BLOCKS = {page: read_blocks(page) for page in PAGES}
SHARED = [
    "counter",
    "counter_v2",
    "counter_incompatible",
    "caller",
    "timers",
    "wallet",
    "signer",
    "shop",
    "vault",
]
"""Motoko fixtures that every page has, under their own names."""
OTHERS = {
    "kitchen": "rust/rust",
    "rust": "rust/rust",
    "assets": "rust/assets",
    "ledger": "ledgers/ledger",
    "azle": "azle/counter",
}
"""Further fixtures that every page has: name on the page, and fixture."""
OWN = {
    "tutorial/rust.md": {"counter": "rust/rust"},
    "tutorial/typescript.md": {"counter": "azle/counter"},
}
"""Fixtures by which a page replaces shared ones."""
PUBLIC = {
    "ic_capsule.backend",
    "ic_capsule.bulk",
    "ic_capsule.suite.reproduction",
    "ic_capsule.uploads",
    "ic_harness",
    "ic_harness.agent",
    "ic_harness.candid",
    "ic_harness.candid.bindgen",
    "ic_harness.candid.runtime",
    "ic_harness.errors",
    "ic_harness.icrc.checks",
    "ic_harness.icrc.context",
    "ic_harness.networks",
    "ic_harness.networks.outcalls",
    "ic_harness.networks.system_canisters",
    "ic_harness.pocket_ic",
    "ic_harness.principal",
    "ic_harness.testing.strategies",
    "ic_harness.protocol",
    "ic_harness.replica",
    "ic_harness.testing",
    "ic_harness.testing.comparing",
    "ic_harness.testing.fuzzing",
    "ic_harness.testing.gate",
    "ic_harness.testing.growth",
    "ic_harness.testing.plugin",
}
"""Modules from which pages import; `reference/` describes them."""
SHOWN_ONLY = {"text", "diff", "candid", "javascript"}
EXCERPTS = {"motoko": ".mo", "rust": ".rs", "typescript": ".ts"}
RUN = {"python", "py", "sh", "toml", "json", "yaml", *EXCERPTS}
RUN_ELSEWHERE = {
    ("gate.md", "def fill(canister)"): "tests/testing/gate/test_user_functions.py",
    ("icrc.md", "ic-harness gate --wasm ledger.wasm.gz"): "tests/icrc/test_use.py",
    ("icrc.md", "pytest --pyargs ic_harness.icrc.tests"): "tests/icrc/test_use.py",
    ("icrc.md", "def test_my_ledger"): "tests/icrc/test_use.py",
    ("threshold-keys.md", "deploy_canister"): "tests/networks/test_threshold.py",
}
"""Blocks that need a canister of their own or take minutes: page and words of the block, and the test that runs it."""


def _with(*languages: str) -> list[Path]:
    return [page for page in PAGES if any(block.language in languages for block in BLOCKS[page])]


def _name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def _run_here(page: Path) -> list[Block]:
    elsewhere = [words for name, words in RUN_ELSEWHERE if name == _name(page)]
    return [b for b in BLOCKS[page] if not b.reason and not any(words in b.text for words in elsewhere)]


def _tests(page: Path) -> list[Block]:
    return [block for block in _run_here(page) if Path(block.file).name.startswith("test_")]


@pytest.fixture
def folder(tmp_path, page):
    """A folder with the canisters of the pages, and the files of this page."""
    named = {name: f"motoko/{name}" for name in SHARED} | OTHERS | OWN.get(_name(page), {})
    for name, fixture in named.items():
        copy_canister(fixture, tmp_path, name)
    shutil.copy(DOCS.parent / "fixtures" / "backend.wasm.gz", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    write_files(_run_here(page), tmp_path)
    return tmp_path


def test_blocks_that_run_elsewhere_are_there():
    """The words by which other tests find their block lead to one, and the test exists and names the page."""
    for (name, words), path in RUN_ELSEWHERE.items():
        assert any(words in block.text for block in BLOCKS[DOCS / name]), (name, words)
        assert name in (DOCS.parent / path).read_text(encoding="utf-8") + "icrc.md", path


def test_every_chapter_has_an_example():
    """No chapter of the page about testing is without code that runs."""
    chapters = (DOCS / "testing-canisters.md").read_text(encoding="utf-8").split("\n## ")[1:]
    assert [chapter.splitlines()[0] for chapter in chapters if "```py" not in chapter] == []


def test_the_map_leads_to_files():
    """Files and folders that the architecture map names exist."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = [name for name in re.findall(r"`([\w./*-]+)`", text) if "/" in name or name.endswith(".py")]
    bases = [DOCS.parent / "src" / "ic_harness", DOCS.parent]
    assert len(named) > 50
    assert [name for name in named if not any(list(base.glob(name.rstrip("/"))) for base in bases)] == []


def test_only_public_names_are_imported():
    """A reader can import what a page or an example imports: modules of the list, and names of their `__all__`."""
    sources = [(str(block), block.text) for blocks in BLOCKS.values() for block in blocks if block.python]
    examples = sorted((DOCS.parent / "examples").rglob("*.py"))
    sources += [(path.name, path.read_text(encoding="utf-8")) for path in examples]
    wrong = [(place, name) for place, text in sources for name in _imported(text) if not _is_public(name)]
    assert wrong == []


def _imported(text: str) -> list[tuple[str, str]]:
    """The names that a snippet imports from our packages: module and name ("" for a whole module)."""
    nodes = list(ast.walk(ast.parse(text.replace("…", "..."))))
    found = [(n.module or "", a.name) for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names]
    found += [(alias.name, "") for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    return [each for each in found if each[0].partition(".")[0] in ("ic_harness", "ic_capsule")]


def _is_public(imported: tuple[str, str]) -> bool:
    module, name = imported
    if module not in PUBLIC:
        return f"{module}.{name}" in PUBLIC
    names = getattr(importlib.import_module(module), "__all__", None)
    return not name or not names or name in names or f"{module}.{name}" in PUBLIC


def test_every_language_is_known():
    """A block in a language that no test handles would be shown without ever being checked."""
    blocks = [block for blocks in BLOCKS.values() for block in blocks]
    assert {str(block): block.language for block in blocks if block.language not in RUN | SHOWN_ONLY} == {}


def test_blocks_that_are_not_run_say_why():
    """The list of blocks that are not run, each with the reason that its title shows to the reader."""
    reasons = {str(block): block.reason for blocks in BLOCKS.values() for block in blocks if block.reason}
    expected = json.loads((Path(__file__).parent / "not_run.json").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for place, reason in reasons.items():
        found.setdefault(place.partition(":")[0], []).append(reason)
    assert {page: sorted(each) for page, each in found.items()} == expected
    assert [place for place, reason in reasons.items() if len(reason) < 8] == []


ALL = ("pytest -q", "pytest -q --ic-profile")
"""Commands of a page that run all of its tests."""


def _runs_all(page: Path) -> bool:
    return any(
        line in ALL for block in _run_here(page) if block.language == "sh" for line in block.text.splitlines()
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if _tests(page) and not _runs_all(page)], ids=_name)
def test_tests_pass(page, folder):
    """All tests of a page pass, and pytest finds as many as the page has."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "."]
    done = start(command, folder)
    assert passed(done) == sum(block.tests for block in _tests(page)), done.stdout


PROGRAMS = [(page, b) for page in PAGES for b in _run_here(page) if b.file.startswith("program_")]


@pytest.mark.parametrize(("page", "program"), PROGRAMS, ids=[str(block) for _, block in PROGRAMS])
def test_programs_run(page, program, folder):
    """Programs end with status 0."""
    done = start([sys.executable, program.file], folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", _with("sh"), ids=_name)
def test_commands_succeed(page, folder):
    """The commands of a page succeed one after the other; a line `# exit status N` before one expects that status."""
    for block in _run_here(page):
        if block.language != "sh":
            continue
        expected = 0
        for line in filter(None, block.text.splitlines()):
            if line.startswith("# exit status "):
                expected = int(line.rpartition(" ")[2])
            elif not line.startswith("#"):
                done = start(["sh", "-c", line], folder)
                assert done.returncode == expected, f"{block}: {line}\n{done.stdout}\n{done.stderr}"
                assert line not in ALL or passed(done) == sum(each.tests for each in _tests(page)), (
                    done.stdout
                )
                expected = 0


@pytest.mark.parametrize("page", _with("toml", "json", "yaml"), ids=_name)
def test_data_is_valid(page):
    """Tables, objects and documents parse."""
    readers: dict[str, Callable[[str], object]] = {
        "toml": tomllib.loads,
        "json": json.loads,
        "yaml": yaml.safe_load,
    }
    for block in BLOCKS[page]:
        if block.language in readers and not block.reason:
            assert readers[block.language](block.text), str(block)


@pytest.mark.parametrize("page", _with(*EXCERPTS), ids=_name)
def test_sources_are_those_of_the_fixtures(page):
    """What a page shows of a canister's source is in the source of a fixture, line by line and in this order."""
    for block in BLOCKS[page]:
        if block.language in EXCERPTS and not block.reason:
            sources = (CANISTERS / "src").rglob(f"*{EXCERPTS[block.language]}")
            assert any(_is_excerpt(block.text, path.read_text(encoding="utf-8")) for path in sources), str(
                block
            )


def _is_excerpt(text: str, source: str) -> bool:
    lines = iter([line.strip() for line in source.splitlines()])
    return all(line in lines for line in map(str.strip, text.splitlines()) if line not in ("", "// …"))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_shown_commands_exist(page):
    """Commands and their options that a page shows without running them exist."""
    from click.testing import CliRunner

    from ic_harness.cli import commands

    for block in BLOCKS[page]:
        if block.language not in ("text", "sh") and not block.reason:
            continue
        for line in block.text.splitlines():
            words = shlex.split(line.partition(" #")[0]) if line.startswith("ic-harness ") else []
            if len(words) > 1:
                _check_command(CliRunner(), commands, words[1:], f"{block}: {line}")


def _check_command(runner, commands, words: list[str], where: str) -> None:
    groups = ("bulk", "identity", "replica", "snapshot")
    command = words[:2] if words[0] in groups else words[:1]
    if command[0].startswith("-"):
        return
    shown = runner.invoke(commands, [*command, "--help"], prog_name="ic-harness")
    assert shown.exit_code == 0, where
    for word in words:
        if word.startswith("--") and word != "--help":
            assert word.partition("=")[0] in shown.output, f"{where}: no option {word}"
