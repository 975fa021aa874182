"""The committed canisters and lock files are what they claim to be."""

from __future__ import annotations

import json

import pytest

from . import build_canisters, toolbox
from .conftest import unavailable
from .lab import CANISTERS, Fixture


def test_digests():
    """SHA256SUMS names every committed module and, where building takes long, its sources."""
    assert (CANISTERS / "SHA256SUMS").read_text(encoding="utf-8") == build_canisters.digests()


def test_every_module_has_its_source():
    """Each fixture stands in SOURCES.md and has a source file."""
    told = (CANISTERS / "SOURCES.md").read_text(encoding="utf-8")
    for path in CANISTERS.glob("*/*.wasm.gz"):
        folder, name = path.parent.name, path.name.removesuffix(".wasm.gz")
        ledger = "ledger.mo" if name == build_canisters.HEALTHY else f"{name}.patch"
        sources = {
            "azle": f"azle/{name}.ts",
            "rust": name,
            "generations": "generations",
            "ledgers": f"ledgers/{ledger}",
        }
        source = sources.get(folder, f"motoko/{name}.mo")
        assert (CANISTERS / "src" / source).exists(), path
        assert f"`{name}`" in told or f"`{folder}/{name}`" in told, path


def test_locks_name_no_registry():
    """Lock files hold digests, not the address from which one machine once loaded a package."""
    for lock in toolbox.NODE.glob("*/package-lock.json"):
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        assert not [name for name, package in packages.items() if "resolved" in package], lock
        assert all("integrity" in package for name, package in packages.items() if name), lock


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.parametrize("compiler", build_canisters.MOTOKO)
def test_motoko_modules_are_fresh(compiler, compiled):
    """Compiling a Motoko source again gives the committed module, byte for byte."""
    for name in build_canisters.MOTOKO[compiler]:
        wasm, did = compiled(compiler, name)
        assert wasm == Fixture(f"{compiler}/{name}").wasm, name
        assert did == (CANISTERS / compiler / f"{name}.did").read_text(encoding="utf-8"), name


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.parametrize("name", [build_canisters.HEALTHY, *build_canisters.FAULTY])
def test_ledgers_are_fresh(name):
    """Compiling a ledger again returns the committed module, byte for byte."""
    try:
        wasm, did = build_canisters.compile_ledger(name)
    except toolbox.ToolMissingError as missing:
        unavailable("motoko", missing)
    assert wasm == Fixture(f"ledgers/{name}").wasm
    assert did == (CANISTERS / "ledgers" / f"{name}.did").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.parametrize("name", build_canisters.STAND_INS)
def test_stand_ins_are_fresh(name):
    """Compiling a stand-in of ICP's canisters again returns the package's module, byte for byte."""
    try:
        made = build_canisters.compile_stand_in(name)
    except toolbox.ToolMissingError as missing:
        unavailable("motoko", missing)
    assert made == build_canisters.packaged(name)


def test_stand_ins_are_small():
    """Each stand-in adds at most 200 kB to the package."""
    for name in build_canisters.STAND_INS:
        assert (build_canisters.PACKAGED / f"{name}.wasm.gz").stat().st_size <= 200_000
