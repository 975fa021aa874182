"""Waiting for a condition while the time of a network passes, or real time where that cannot be moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ic_harness.errors import InputError, NetworkError
from ic_harness.units import SECOND

from .deadline import Deadline

T = TypeVar("T")


class Timed(Protocol):
    """A network whose time and rounds can be moved."""

    @property
    def name(self) -> str:
        """The name of the network."""

    def advance_time(self, by_ns: int) -> None:
        """Move the time forward by `by_ns` nanoseconds."""

    def tick(self) -> None:
        """Run one round."""

    def settle(self) -> None:
        """Run rounds until nothing is due and nothing is under way."""


def until(network: Timed, predicate: Callable[[], T], *, within_s: float, step_s: float) -> T:
    """Move the time of `network` in steps of `step_s` seconds until `predicate` returns something true; return it.

    Raises `NetworkError` when it is false after `within_s` seconds, `InputError` for a step that is not positive.
    """
    if step_s <= 0:
        raise InputError(f"a step must be longer than 0 s, not {step_s}")
    network.settle()
    passed_ns, limit_ns, step_ns = 0, int(within_s * SECOND), max(1, int(step_s * SECOND))
    while True:
        found = predicate()
        if found:
            return found
        if passed_ns >= limit_ns:
            raise NetworkError(_never(network.name, within_s, "of its own time"))
        step = min(step_ns, limit_ns - passed_ns)
        advance(network, step)
        passed_ns += step


def advance(network: Timed, by_ns: int) -> None:
    """Move the time and run what is due until nothing is under way."""
    network.advance_time(by_ns)
    network.tick()
    network.settle()


def wait_until(name: str, predicate: Callable[[], T], *, within_s: float) -> T:
    """Wait in real time until `predicate` returns something true, and return it. Raises `NetworkError`."""
    found = Deadline(within_s).wait_for(lambda: predicate() or None)
    if found is None:
        raise NetworkError(_never(name, within_s, "of real time"))
    return found


def _never(name: str, within_s: float, whose: str) -> str:
    return f"the condition stayed false on the network {name} for {within_s:g} s {whose}"
