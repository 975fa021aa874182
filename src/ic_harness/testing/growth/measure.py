"""Runs a workload at sizes that double, from a snapshot each, and finds the law of each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from ic_harness.errors import InputError
from ic_harness.networks import EmbeddedNetwork, Network
from ic_harness.principal import Principal
from ic_harness.replica import ObservedMessage
from ic_harness.text import brief

from .laws import Law, fit_law
from .series import (
    ARGUMENT,
    HEAP,
    INSTRUCTIONS,
    LEAST_SIZES,
    LIMITS,
    REPLY,
    STABLE,
    Growth,
    GrowthError,
    Series,
)

SIZES: Final = (8, 16, 32, 64, 128, 256)


def grow(
    network: Network,
    workload: Callable[[int], Any],
    *,
    sizes: Sequence[int] = SIZES,
    names: Mapping[Principal, str] | None = None,
    title: str = "",
) -> Growth:
    """Run `workload(n)` for each n of `sizes`, each time from the present state, which is restored afterwards.

    `names` has names for canisters. Of each method the most expensive message counts. Raises `InputError` for sizes
    from which no law can be told or a network that is not embedded, `GrowthError` where a method is called at some
    sizes only, and what the workload raises.
    """
    checked = _checked(sizes)
    if not isinstance(network, EmbeddedNetwork):
        raise InputError(f"growth is measured on the embedded network, not on {network.name}")
    runs = []
    for size in checked:
        with network.anchored(), network.observed() as messages:
            workload(size)
        runs.append(_figures(messages, names or {}))
    keys = dict.fromkeys(key for run in runs for key in run)
    series = [_series(key, checked, runs) for key in keys]
    return Growth(title, tuple(it for it in series if it.what == INSTRUCTIONS or it.law is not Law.CONSTANT))


def _checked(sizes: Sequence[int]) -> tuple[int, ...]:
    found = tuple(sizes)
    good = all(type(size) is int and size > 0 for size in found)
    if not good or len(found) < LEAST_SIZES or any(b < 2 * a for a, b in pairwise(found)):
        raise InputError(
            f"sizes={brief(found)}: give {LEAST_SIZES} positive integers or more, each at least twice the one "
            f"before, such as {SIZES}"
        )
    return found


def to_plain(growth: Growth) -> list[Any]:
    """Return a growth as plain values, which pytest-xdist can send; the laws are found again from them."""
    series = [[it.subject, it.what, list(it.sizes), list(it.figures), it.limit] for it in growth.series]
    return [growth.title, series]


def from_plain(values: list[Any]) -> Growth:
    """Return the growth of which `to_plain` made these values."""
    title, series = values
    return Growth(
        title,
        tuple(
            Series(subject, what, tuple(sizes), tuple(figures), limit, fit_law(sizes, figures))
            for subject, what, sizes, figures, limit in series
        ),
    )


Key = tuple[str, str]


def _figures(
    messages: Sequence[ObservedMessage], names: Mapping[Principal, str]
) -> dict[Key, tuple[int, int]]:
    """Return the largest figure of each kind, with its limit, by subject and kind."""
    found: dict[Key, tuple[int, int]] = {}
    for message in messages:
        canister = Principal(message.canister_id)
        name = names.get(canister, str(canister))
        method = f"{name}.{message.method}{' (query)' if message.query else ''}"
        figures = [
            (method, INSTRUCTIONS, message.instructions, message.limit),
            (method, ARGUMENT, message.argument, LIMITS[ARGUMENT]),
            (method, REPLY, message.reply, LIMITS[REPLY]),
            (name, HEAP, message.heap, LIMITS[HEAP]),
            (name, STABLE, message.stable, LIMITS[STABLE]),
        ]
        for subject, what, figure, limit in figures:
            found[subject, what] = max(found.get((subject, what), (0, limit)), (figure, limit))
    return found


def _series(key: Key, sizes: tuple[int, ...], runs: Sequence[Mapping[Key, tuple[int, int]]]) -> Series:
    subject, what = key
    missing = [size for size, run in zip(sizes, runs, strict=True) if key not in run]
    if missing:
        raise GrowthError(
            f"the workload does not call {subject} at size {missing[0]}, but at others: the growth of a method needs "
            "it at all sizes"
        )
    figures = tuple(run[key][0] for run in runs)
    return Series(subject, what, sizes, figures, runs[0][key][1], fit_law(sizes, figures))
