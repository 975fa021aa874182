"""The pytest plugin of capsule backends: clients, capsules, photos and uploads as fixtures.

It builds on the fixtures of `ic_harness.testing.plugin`, which loads it for modules that name one of these fixtures.
"""

from __future__ import annotations

from .fixtures import (
    backend,
    backend_for,
    capsule,
    ic_backend,
    ic_backend_for,
    ic_capsule_id,
    ic_photo,
    ic_upload,
    photo,
    upload,
)

__all__ = [
    "backend",
    "backend_for",
    "capsule",
    "ic_backend",
    "ic_backend_for",
    "ic_capsule_id",
    "ic_photo",
    "ic_upload",
    "photo",
    "upload",
]
