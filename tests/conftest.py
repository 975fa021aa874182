"""Plugins of the whole suite: pytest's own harness, and this package's plugin when it is not installed."""

from __future__ import annotations

import signal
import socket
from importlib.metadata import entry_points

import pytest
from hypothesis import HealthCheck, settings

INSTALLED = any(found.name == "ic_harness" for found in entry_points(group="pytest11"))

# A shell's background job starts with interrupts ignored, and so would every process that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Installed plugins load by themselves; a source tree on PYTHONPATH needs to be told.
pytest_plugins = ["pytester", *([] if INSTALLED else ["ic_harness.testing.plugin"])]


# How long an example takes depends on the machine and on what else it does; a test never fails by that.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def unused_port():
    """A port that refuses connections while the test holds it: bound, never listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
