"""The suite for any canister, which runs when no other suite matches."""

from __future__ import annotations

from typing import Final

from ic_harness.testing.gate.suite import SuiteEntry

from .suite import GenericSuite, user_suite

__all__ = ["ENTRY", "GenericSuite", "user_suite"]


ENTRY: Final = SuiteEntry(
    name="generic",
    summary="Any canister: fill, verify and workload of your own, or what the gate can call by itself.",
    load=GenericSuite,
)
