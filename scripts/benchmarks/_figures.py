"""Medians, and a table of figures beside their budgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def timed(act: Callable[[], object]) -> float:
    """The seconds that an action takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def typical(act: Callable[[], object], times: int) -> float:
    """The median of the seconds that an action takes."""
    return median(timed(act) for _ in range(times))


def show(
    label: str, value: float, unit: str = "ms", *, most: float | None = None, least: float | None = None
) -> None:
    """Print a figure, its budget, and whether it is kept. `value` is in `unit`."""
    verdict = ""
    if most is not None:
        verdict = f"budget < {most:g}   {'ok' if value < most else 'OVER'}"
    if least is not None:
        verdict = f"budget >= {least:g}   {'ok' if value >= least else 'BELOW'}"
    print(f"{label:<66} {value:>10.2f} {unit:<5} {verdict}")
