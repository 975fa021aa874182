"""Running pytest inside of pytest, with the plugin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import ic_capsule.backend
import ic_capsule.uploads
import ic_harness.networks
from tests.conftest import INSTALLED

PLUGIN = () if INSTALLED else ("-p", "ic_harness.testing.plugin")
# The plugin of Hypothesis imports all of it at the end of every run: a second of work in each process.
NO_HYPOTHESIS = ("-p", "no:hypothesispytest")
# A run in this process must leave the signal handlers alone: when pytest's faulthandler plugin ends, it puts back what
# stood before the outer run, and the engine's own handler, by which Wasm traps are noticed, is gone.
OPTIONS = (*PLUGIN, "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler")

# pytester forgets modules that a run in this process has loaded; what has C code is loaded before.
LOADED = (
    ic_harness.networks.EmbeddedNetwork,
    ic_capsule.backend.Backend,
    ic_capsule.uploads.upload_photo,
)


HOME = os.environ.get("HOME", "")


@pytest.fixture
def user(pytester, monkeypatch):
    """Work in pytester's folder, but with the real home: compiled modules are kept there."""
    monkeypatch.setenv("HOME", HOME)
    return pytester


@pytest.fixture
def outcome(user):
    """Write a test module, run it with the plugin in this process, and return the result."""

    def run(source, *args):
        user.makepyfile(source)
        return user.runpytest_inprocess(*OPTIONS, *args)

    return run


@pytest.fixture
def outcome_apart(user, monkeypatch):
    """The same in a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "src"))

    def run(source, *args):
        user.makepyfile(source)
        hypothesis = () if "hypothesis" in source else NO_HYPOTHESIS
        return user.runpytest_subprocess(*PLUGIN, *hypothesis, "-p", "no:cacheprovider", *args)

    return run
