"""Tests of canisters: the pytest plugin, the gate, guarantees, checks and reports.

Names are imported when they are first used, so that `import ic_harness.testing` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from ic_harness.testing.check import Check
    from ic_harness.testing.fuzzing import fuzz
    from ic_harness.testing.gate import Suite, SuiteEntry
    from ic_harness.testing.guarantees import Guarantee, Need, Severity, load_catalogue
    from ic_harness.testing.plugin import guarantee
    from ic_harness.testing.rejects import reverts, trapped
    from ic_harness.testing.target import Target

__all__ = [
    "Check",
    "Guarantee",
    "Need",
    "Severity",
    "Suite",
    "SuiteEntry",
    "Target",
    "fuzz",
    "guarantee",
    "load_catalogue",
    "reverts",
    "trapped",
]

_LAZY: Final = {
    "Check": ".check",
    "Guarantee": ".guarantees",
    "Need": ".guarantees",
    "Severity": ".guarantees",
    "Suite": ".gate",
    "SuiteEntry": ".gate",
    "Target": ".target",
    "fuzz": ".fuzzing",
    "guarantee": ".plugin",
    "load_catalogue": ".guarantees",
    "reverts": ".rejects",
    "trapped": ".rejects",
}
"""The module that each public name comes from."""

__getattr__ = lazy_names(__name__, _LAZY)
