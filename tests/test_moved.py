"""Former names of modules: the same module as the new name, with a warning."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from ic_harness.icrc import context
from ic_harness.moved import RENAMED
from ic_harness.testing import gate

FORMER = [
    ("ic_harness.backend", "ic_capsule.backend"),
    ("ic_harness.backend.locators", "ic_capsule.backend.locators"),
    ("ic_harness.uploads", "ic_capsule.uploads"),
    ("ic_harness.bulk", "ic_capsule.bulk"),
    ("ic_harness.conformance.gate", "ic_harness.testing.gate"),
    ("ic_harness.conformance.reproduction", "ic_capsule.suite.reproduction"),
    ("ic_harness.pytest_plugin", "ic_harness.testing.plugin"),
    ("ic_harness.testing.expectations", "ic_harness.testing.assertions"),
    ("ic_harness.testing.running", "ic_harness.testing.runner"),
    ("ic_harness.icrc.scene", "ic_harness.icrc.context"),
    ("ic_harness.conformance.expectations", "ic_harness.testing.assertions"),
]


def python(code, *options):
    """Run code in a Python of its own."""
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(("old", "new"), FORMER)
def test_a_former_name_is_the_same_module(old, new):
    """The old name imports, warns once at the line of the import, and shares every class with the new one."""
    code = (
        "import importlib, sys, warnings\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        f"    import {old}\n"
        f"    import {new}\n"
        f"print(sys.modules[{old!r}] is sys.modules[{new!r}])\n"
        f"print(*sorted({{str(it.message) for it in seen if {old!r} + ' is now' in str(it.message)}}))\n"
        f"print({{it.filename for it in seen if {old!r} + ' is now' in str(it.message)}})\n"
    )
    done = python(code)
    assert done.stdout.splitlines() == [
        "True",
        f"{old} is now {new}; the former name will be removed in the next release",
        "{'<string>'}",
    ], done.stderr


def test_other_names_are_left_alone():
    """A module that never existed is not found, also below a former package or beside a renamed module."""
    for name in ("ic_harness.nothing", "ic_harness.backend.nothing", "ic_harness.testing.nothing"):
        done = python(f"import {name}")
        assert done.returncode == 1
        assert "ModuleNotFoundError" in done.stderr


def test_the_report_is_written_by_its_former_name():
    """`python -m ic_harness.conformance.report` still explains itself."""
    done = subprocess.run(
        [sys.executable, "-m", "ic_harness.conformance.report", "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout.lower()


def test_former_names_of_the_gate_mean_the_same():
    """Names that suites of other packages import from the gate are the same objects, with a warning."""
    for old, new in {
        "Findings": "StageLog",
        "Order": "GateRequest",
        "Run": "GateRun",
        "Watch": "ProgressCallback",
    }.items():
        with pytest.warns(DeprecationWarning, match=f"{old} is now {new}"):
            assert getattr(gate, old) is getattr(gate, new)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = gate.Nothing


def test_the_former_context_of_ledger_checks_is_the_same_class():
    """`Scene`, which tests of users construct, is `LedgerContext`, with a warning."""
    with pytest.warns(DeprecationWarning, match="Scene is now LedgerContext"):
        assert context.Scene is context.LedgerContext
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = context.Nothing


def test_every_renamed_module_exists():
    """Each row of the table of renamed modules leads to a module, and its former name is free."""
    for old, new in RENAMED.items():
        former, current = find_spec(old), find_spec(new)
        assert former is not None, old
        assert current is not None, new
        assert new not in RENAMED
        assert former.origin == current.origin


def test_a_use_of_the_harness_looks_nothing_up():
    """Importing the harness scans no entry points, which would cost start-up time."""
    done = python(
        "import sys, ic_harness.networks\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'PIL', 'ic_capsule'}),"
        " 'importlib.metadata' in sys.modules and bool(sys.modules['ic_harness.moved']._targets.cache_info().currsize))"
    )
    assert done.stdout.split() == ["[]", "False"], done.stdout + done.stderr
