"""What is installed: extras are documented, requirements have floors, and the module for BLS12-381 has its digest."""

from __future__ import annotations

import gzip
import hashlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (ROOT / "docs" / "installation.md").read_text(encoding="utf-8")


def test_every_extra_is_documented():
    """The table of docs/installation.md has a row for each extra."""
    rows = "".join(re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE))
    assert set(PROJECT["optional-dependencies"]) <= set(re.findall(r"`([a-z-]+)`", rows))


def test_the_majors_of_wasmtime_are_documented():
    """The page says which majors are allowed, and it is two at least."""
    (line,) = (line for line in PROJECT["dependencies"] if line.startswith("wasmtime"))
    bounds = re.fullmatch(r"wasmtime>=(\d+)\.\d+\.\d+,<(\d+)", line)
    assert bounds is not None
    floor, ceiling = map(int, bounds.groups())
    assert ceiling - floor >= 2
    assert f"{floor} to {ceiling - 1}" in PAGE


def test_the_module_has_its_digest():
    """SHA256SUMS has the digest of the committed module for BLS12-381."""
    folder = ROOT / "fixtures" / "bls"
    wasm = gzip.decompress((folder / "bls.wasm.gz").read_bytes())
    assert (folder / "SHA256SUMS").read_text() == f"{hashlib.sha256(wasm).hexdigest()}  bls.wasm\n"
