"""The typed client is what the interface says."""

from __future__ import annotations

from pathlib import Path

from ic_capsule import backend
from ic_capsule.backend.regenerate import generated


def test_generated_is_fresh():
    """The committed client is exactly what the generator makes of candid/backend.did."""
    committed = Path(backend.__file__).with_name("_generated.py").read_text(encoding="utf-8")
    assert committed == generated()
