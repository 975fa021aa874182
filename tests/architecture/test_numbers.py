"""Numbers in the documentation that the code knows are computed here, not believed.

A row is a page, a pattern with one group, and the value. The pattern must be on the page, and every place where it is
must say the value. Measured speeds are not here: `scripts/bench` prints them.
"""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.suite.soak import Soak
from ic_harness.replica.execution.interface import StableWriteLimits
from ic_harness.replica.management import METHODS, NOT_MODELLED
from ic_harness.replica.state.config import KEEP_ANSWERS, TURN_INSTRUCTIONS
from ic_harness.units import MINUTE
from tests.suite.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
INTEROP = ROOT / "tests" / "interop"
README = "README.md"
REPLICA = "src/ic_harness/replica/README.md"
JUDGES = "tests/interop/README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CHANGED = StableWriteLimits()
SOAK = inspect.signature(Soak).parameters


def npm_version(folder: str, package: str) -> str:
    """Major and minor version of a judge, by its lock file."""
    lock = json.loads((INTEROP / "node" / folder / "package-lock.json").read_text(encoding="utf-8"))
    return ".".join(lock["packages"][f"node_modules/{package}"]["version"].split(".")[:2])


def cargo_version(package: str) -> str:
    """Major and minor version of a crate, by the lock file of the Rust judge."""
    lock = tomllib.loads((INTEROP / "rust" / "Cargo.lock").read_text(encoding="utf-8"))
    (found,) = [entry["version"] for entry in lock["package"] if entry["name"] == package]
    return ".".join(found.split(".")[:2])


def pip_version(file: str, package: str) -> str:
    """Major and minor version of a Python judge, by its requirements."""
    text = (INTEROP / "python" / file).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^{package}==(\d+\.\d+)", text, flags=re.MULTILINE)
    return str(found)


KNOWN = [
    (README, r"(\d+) guarantees", len(GUARANTEES)),
    (README, r"ic_capsule.suite`, all (\d+)", len(GUARANTEES)),
    ("docs/gate.md", r"\| all (\d+), each", len(GUARANTEES)),
    (README, r"(\d+) planted faults", len(MUTANTS)),
    (README, r"each of (\d+) faults", len(MUTANTS)),
    ("docs/mutants.md", r"Each of the (\d+) faults", len(MUTANTS)),
    (README, r"`--soak` adds (\d+) uploads", SOAK["sessions"].default),
    (README, r"uploads of\s+(\d+) callers", SOAK["callers"].default),
    (README, r"Python (\d+\.\d+) or later", PROJECT["requires-python"].removeprefix(">=")),
    (REPLICA, r"after (\d+) million instructions", TURN_INSTRUCTIONS // 1_000_000),
    (REPLICA, r"at least (\d+) minutes after", KEEP_ANSWERS // MINUTE),
    (REPLICA, r"what it changes \((\d+) GiB", CHANGED.message >> 30),
    (REPLICA, r"(\d+) in\s+an upgrade", CHANGED.upgrade >> 30),
    (REPLICA, r"an upgrade, (\d+) in a query", CHANGED.query >> 30),
    (REPLICA, r"executes (\d+) methods", len(METHODS)),
    (REPLICA, r"and refuses (\d+) by name", len(NOT_MODELLED)),
    (JUDGES, r"`@dfinity/agent` (\d+\.\d+)", npm_version("agent2", "@dfinity/agent")),
    (JUDGES, r"`@dfinity/agent` \S+ (\d+\.\d+)", npm_version("agent3", "@dfinity/agent")),
    (JUDGES, r"`@icp-sdk/core` (\d+\.\d+)", npm_version("core", "@icp-sdk/core")),
    (JUDGES, r"`@dfinity/vetkeys` (\d+\.\d+)", npm_version("vetkeys", "@dfinity/vetkeys")),
    (JUDGES, r"`@noble/curves` (\d+\.\d+)", npm_version("vetkeys", "@noble/curves")),
    (JUDGES, r"ic-utils (\d+\.\d+)", cargo_version("ic-utils")),
    (JUDGES, r"ic-utils (\d+\.\d+)", cargo_version("ic-agent")),
    (JUDGES, r"ic-py (\d+\.\d+)", pip_version("ic_py.txt", "ic-py")),
    (JUDGES, r"icp-py-core (\d+\.\d+)", pip_version("icp_py_core.txt", "icp-py-core")),
]


@pytest.mark.parametrize(("page", "pattern", "value"), KNOWN)
def test_numbers_are_computed(page, pattern, value):
    """Every place that names the number names the one that the code has."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(pattern, text)
    assert found, f"{page} no longer says {pattern}: mend the row"
    assert set(found) == {str(value)}


def test_what_is_not_modelled_is_listed():
    """The replica's README names exactly the methods that it refuses by name; `x_*` stands for all that begin so."""
    text = (ROOT / REPLICA).read_text(encoding="utf-8")
    section = text.partition("Refused loudly")[2].partition("\n\n")[0]
    named = [name for quoted in re.findall(r"`([a-z_/*0-9]+)`", section) for name in spelled_out(quoted)]
    patterns = [re.compile(name.replace("*", ".*")) for name in named]
    missing = [method for method in NOT_MODELLED if not any(p.fullmatch(method) for p in patterns)]
    idle = [p.pattern for p in patterns if not any(p.fullmatch(method) for method in NOT_MODELLED)]
    assert (missing, idle) == ([], [])


def spelled_out(quoted: str) -> list[str]:
    """`read_/upload_canister_*` as two names: the first part takes the rest of the second."""
    first, slash, second = quoted.partition("/")
    return [first + second.partition("_")[2], second] if slash else [first]


def test_no_number_of_guarantees_is_written_by_hand():
    """A page that says how many guarantees or faults there are is in the table above."""
    said = re.compile(r"\b\d+ (?:guarantees|planted faults|faults|mutants)\b")
    rows = {page for page, _, _ in KNOWN}
    pages = [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("src/**/*.md"),
        *ROOT.glob("tests/**/*.md"),
    ]
    unknown = [
        str(page.relative_to(ROOT))
        for page in pages
        if said.search(page.read_text(encoding="utf-8")) and str(page.relative_to(ROOT)) not in rows
    ]
    assert unknown == []
