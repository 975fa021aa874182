"""The suite for any canister, which runs when no other suite matches."""

from __future__ import annotations

from typing import Final

from ic_harness.candid import Service
from ic_harness.testing.gate.suite import SuiteEntry

from .suite import GenericSuite, own_suite

__all__ = ["ENTRY", "GenericSuite", "own_suite"]


def _matches(_service: Service) -> bool:
    return True


ENTRY: Final = SuiteEntry(
    name="generic",
    summary="Any canister: fill, verify and workload of your own, or what the gate can call by itself.",
    matches=_matches,
    load=GenericSuite,
)
