"""The capsule backend's part of the gate. Importing this loads neither its client nor Pillow."""

from __future__ import annotations

from typing import Final

from ic_harness.testing.gate.suite import Suite, SuiteEntry

__all__ = ["ENTRY"]


def _load() -> Suite:
    from .suite import CapsuleSuite  # lazy: Pillow and the backend's client  # noqa: PLC0415

    return CapsuleSuite()


ENTRY: Final = SuiteEntry(
    name="capsule",
    summary="Capsule backends: photos, uploads and all their guarantees.",
    load=_load,
)
