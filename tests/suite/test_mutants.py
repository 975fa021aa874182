"""The suite can fail: every mutant of the reference backend breaks exactly the guarantees that the table says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from ic_capsule.backend import Backend
from ic_capsule.suite.checks import CHECKS
from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.networks import embedded
from ic_harness.testing.runner import describe
from tests.amounts import amount

from .matrix import broken, failures, reached_by, run
from .mutants import DEBUGGING, MUTANTS, ROOT, TABLE, UNBROKEN, breakers, mutant, table, unplanted


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MUTANTS)[:: amount(3, thorough=1)])
def test_a_mutant_breaks_what_the_table_says(name):
    """A fault is found by the checks of the guarantees that it breaks, and disturbs no other check.

    The checks that never run into its code are left out: on them it is the module without a fault.
    """
    results = run(mutant(name)) if name == DEBUGGING else run(unplanted(), name, reached_by(name))
    told = "\n\n".join(describe(row) for row in failures(results))
    assert broken(results) == list(MUTANTS[name].breaks), told


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hash-unverified", "limit-zero-has-no-end"])
def test_a_fault_changes_no_check_that_does_not_reach_it(name):
    """Leaving out checks leaves out no finding: all of them find the same as those that reach the fault."""
    assert len(reached_by(name)) < len(CHECKS)
    assert broken(run(unplanted(), name)) == list(MUTANTS[name].breaks)


@pytest.mark.slow
def test_without_a_fault_nothing_is_broken():
    """What the checks find in a mutant is its fault: the same module without one keeps every guarantee."""
    results = run(unplanted())
    assert [describe(row) for row in failures(results)] == []


def test_the_reference_backend_has_no_fault():
    """Faults are patches: the crate has neither a feature nor a word about them."""
    manifest = tomllib.loads((ROOT / "src/backend/Cargo.toml").read_text(encoding="utf-8"))
    assert "features" not in manifest
    sources = (ROOT / "src/backend/src").rglob("*.rs")
    assert [
        path.name for path in sources if re.search("faults::|planted", path.read_text(encoding="utf-8"))
    ] == []


def test_every_guarantee_can_be_broken():
    """For every guarantee there is a mutant that breaks it, or a reason why there is none."""
    assert {id_ for id_ in GUARANTEES if not breakers(id_)} == set(UNBROKEN)


def test_the_name_in_the_data_plants_the_fault_too():
    """A mutant is also available as a module of its own."""
    with embedded() as network:
        for wasm, told in ((unplanted(), 1_800_000), (mutant("config-tells-other-limit"), 900_000)):
            backend = Backend(network.agent(), network.deploy(wasm))
            assert backend.upload_config().chunk_size == told


def test_an_unknown_fault_is_an_error():
    """A name that no fault has raises `KeyError`, and returns no module without a fault."""
    with pytest.raises(KeyError):
        mutant("hash-unverifeid")


def test_the_page_is_fresh():
    """`docs/mutants.md` is what `python -m tests.suite.mutants` writes."""
    assert TABLE.read_text(encoding="utf-8") == table()


def test_the_module_comes_from_the_sources():
    """`fixtures/mutants.wasm.gz` was built from the crate and the patches that are here, and every patch applies."""
    command = [sys.executable, str(ROOT / "scripts" / "build_backend.py"), "--mutants", "--digest-only"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
