"""Running pytest inside of pytest, with the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import INSTALLED

PLUGIN = () if INSTALLED else ("-p", "ic_harness.pytest_plugin")


@pytest.fixture
def outcome(pytester, monkeypatch):
    """Write a test module, run it with the plugin in a process of its own, and give the result."""
    source_tree = str(Path(__file__).parents[2] / "src")
    monkeypatch.setenv("PYTHONPATH", source_tree)

    def run(source, *args):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", *args)

    return run
