"""Guarantees and the checks that prove or refute them; the gate; and the conformance suite of the capsule backend."""

from ic_harness.conformance.guarantees import GUARANTEES, Guarantee, Need, Severity, load_catalogue

__all__ = ["GUARANTEES", "Guarantee", "Need", "Severity", "load_catalogue"]
