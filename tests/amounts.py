"""How often slow tests repeat what they do: enough for every change, or many times with IC_HARNESS_THOROUGH=1.

The thorough amounts are for a change of what a test is about, and before a release: a full run takes an hour longer.
"""

from __future__ import annotations

import os
from typing import Final, TypeVar

T = TypeVar("T")

THOROUGH: Final = os.environ.get("IC_HARNESS_THOROUGH") == "1"


def amount(usual: T, *, thorough: T) -> T:
    """Return how often to repeat something, or what else has a usual and a thorough size."""
    return thorough if THOROUGH else usual
