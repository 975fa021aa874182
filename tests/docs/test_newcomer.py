"""A newcomer's path: the wheel in an environment of its own, an empty folder, a canister, the tutorial's tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from .snippets import DOCS, ROOT, copy_canister, passed, read_blocks, write_files

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
CANISTERS = {
    "motoko": {"counter": "motoko/counter", "counter_v2": "motoko/counter_v2", "timers": "motoko/timers"},
    "rust": {"counter": "rust/rust"},
    "typescript": {"counter": "azle/counter"},
}
TOPICS = {"upgrade()", ".cycles", ".logs()", ".async_()", ".instructions(", "reverts("}


def _blocks(language: str):
    page = DOCS / "tutorial" / f"{language}.md"
    return [block for block in read_blocks(page) if block.file and block.tests]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A Python with the wheel installed by pip. Libraries are those of this environment; this checkout is not seen."""
    folder = tmp_path_factory.mktemp("newcomer")
    built = subprocess.check_output([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, text=True)
    venv.create(folder / "environment")
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = folder / "environment" / scripts / ("python.exe" if sys.platform == "win32" else "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    wheel = folder / built.split()[-1]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True, cwd=folder
    )
    site = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A folder that is named in a .pth file comes after the environment's own, and .pth files in it are not read.
    Path(site.strip(), "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n", encoding="utf-8")
    return python


@pytest.mark.parametrize("language", CANISTERS)
def test_tutorials_have_what_a_newcomer_needs(language):
    """At least ten tests: upgrades, cycles, logs, asynchronous code, costs, failures; timers where there are some."""
    text = "".join(block.text for block in _blocks(language))
    assert sum(block.tests for block in _blocks(language)) >= 10
    upgraded = text.replace('upgrade("counter_v2.wasm.gz", 0)', "upgrade()")
    assert [topic for topic in TOPICS if topic not in upgraded] == []
    assert "clock.advance(" in text or language == "typescript"


@pytest.mark.slow
@pytest.mark.parametrize("language", CANISTERS)
def test_the_tutorial_runs_with_the_wheel(language, installed, tmp_path):
    """In an empty folder with a prebuilt canister all tests of the tutorial pass, and only the wheel is imported."""
    for name, fixture in CANISTERS[language].items():
        copy_canister(fixture, tmp_path, name)
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    write_files(_blocks(language), tmp_path)
    (tmp_path / "test_where.py").write_text(
        "import ic_harness\n\ndef test_where():\n    print(ic_harness.__file__)\n", encoding="utf-8"
    )
    hidden = ("PYTEST_", "IC_HARNESS_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(
        [str(installed), "-m", "pytest", "-q", "-rP", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert passed(done) == sum(block.tests for block in _blocks(language)) + 1
    (where,) = re.findall(r"^\S*ic_harness.__init__\.py$", done.stdout, re.MULTILINE)
    assert Path(where).is_relative_to(installed.parents[1])
