"""The conformance suite of the capsule backend: guarantees and the checks that prove or refute them."""

from ic_harness.conformance.guarantees import GUARANTEES, Guarantee, Need, Severity

__all__ = ["GUARANTEES", "Guarantee", "Need", "Severity"]
