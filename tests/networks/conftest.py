"""Ports that nobody listens on."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def unused_port():
    """A port that refuses connections while the test holds it: bound, never listening."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
