"""The pytest plugin of capsule backends: clients, capsules, photos and uploads as fixtures.

It builds on the fixtures of `ic_harness.testing.plugin`. Nothing is imported before a test asks for a fixture.
"""

from __future__ import annotations

from .fixtures import backend, backend_for, capsule, photo, upload
from .options import pytest_addoption

__all__ = ["backend", "backend_for", "capsule", "photo", "pytest_addoption", "upload"]
