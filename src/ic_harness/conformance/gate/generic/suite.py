"""The suite for any canister."""

from __future__ import annotations

from ic_harness.conformance.gate.suite import Suite


class GenericSuite(Suite):
    """What the gate runs on a canister of which it knows only the interface."""

    name = "generic"
