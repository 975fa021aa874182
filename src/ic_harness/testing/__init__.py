"""Tests of canisters: the pytest plugin, the gate, guarantees, checks and reports.

Names are imported when they are first used, so that `import ic_harness.testing` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ic_harness.testing.check import Check
    from ic_harness.testing.gate import Suite, SuiteEntry
    from ic_harness.testing.guarantees import Guarantee, Need, Severity, load_catalogue
    from ic_harness.testing.plugin import guarantee
    from ic_harness.testing.target import Target

__all__ = [
    "Check",
    "Guarantee",
    "Need",
    "Severity",
    "Suite",
    "SuiteEntry",
    "Target",
    "guarantee",
    "load_catalogue",
]

_HOME: Final = {
    "Check": "check",
    "Guarantee": "guarantees",
    "Need": "guarantees",
    "Severity": "guarantees",
    "Suite": "gate",
    "SuiteEntry": "gate",
    "Target": "target",
    "guarantee": "plugin",
    "load_catalogue": "guarantees",
}
"""The module that each public name comes from."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used. Raises `AttributeError` for any other."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
