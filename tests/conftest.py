"""Plugins of the whole suite: pytest's own harness, and this package's plugin when it is not installed."""

from __future__ import annotations

import socket
from importlib.metadata import entry_points

import pytest

INSTALLED = any(found.name == "ic_harness" for found in entry_points(group="pytest11"))

# Installed plugins load by themselves; a source tree on PYTHONPATH needs to be told.
pytest_plugins = ["pytester", *([] if INSTALLED else ["ic_harness.testing.plugin"])]


@pytest.fixture
def unused_port():
    """A port that refuses connections while the test holds it: bound, never listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
