"""The package's public names: imported quickly, and all found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ic_harness import candid

CODE = """
import sys, ic_harness.candid as c
heavy = {"pydantic", "ic_harness.candid.parser", "ic_harness.candid.textual_values", "ic_harness.candid.bindgen"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
c.parse, c.parse_values, c.check_upgrade, c.bindgen.generate
"""


def test_import_loads_nothing_heavy():
    """Importing the package loads neither pydantic nor the parsers, which are imported at first use."""
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", CODE], check=True, env={**os.environ, "PYTHONPATH": path})


def test_unknown_names_are_attribute_errors():
    """An unknown name is an `AttributeError`."""
    with pytest.raises(AttributeError, match="no attribute"):
        candid.nothing  # noqa: B018
