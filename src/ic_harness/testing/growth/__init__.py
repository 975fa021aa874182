"""How the cost of canister methods grows with the size of a workload, and at which size it meets a limit.

A workload runs at sizes that double, each time from the same snapshot. What each method then costs is compared with the
laws of `laws`; the law that fits says at which size a limit of the Internet Computer is met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from .laws import Fit, Law, fit_law
    from .measure import grow
    from .series import Growth, GrowthError, Series

__all__ = ["Fit", "Growth", "GrowthError", "Law", "Series", "fit_law", "grow"]

_LAZY: Final = {
    "Fit": ".laws",
    "Growth": ".series",
    "GrowthError": ".series",
    "Law": ".laws",
    "Series": ".series",
    "fit_law": ".laws",
    "grow": ".measure",
}

__getattr__ = lazy_names(__name__, _LAZY)
