"""Real photographs, and an uploader against a backend in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ic_capsule.uploads import sample_photo, upload_photo_async

PHOTOS = Path(__file__).resolve().parents[3] / "fixtures" / "photos"


@pytest.fixture
def photos():
    """The folder of the photographs."""
    return PHOTOS


@pytest.fixture
def picture(tmp_path):
    """A small real photo; at 50,000 bytes a chunk it has two chunks."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(sample_photo())
    return path


def send(backend, path, capsule=None, **named):
    """Upload a photo to a backend in memory, to the end."""
    return asyncio.run(upload_photo_async(backend, path, capsule, **named))
