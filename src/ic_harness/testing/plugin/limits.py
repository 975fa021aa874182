"""The marker `ic`: limits of one test, so that a runaway loop costs a second; its subnets, and its history.

@pytest.mark.ic(instructions="1B", rounds=100)
def test_ends(canister): ...

@pytest.mark.ic(subnets="application=2,nns")
def test_calls_another_subnet(deploy): ...

@pytest.mark.ic(history=True)
def test_sees_every_message(network, deploy): ...
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, TypedDict

import pytest

from ic_harness.errors import InputError
from ic_harness.suggestions import suggest
from ic_harness.text import brief
from ic_harness.units import parse_instructions

if TYPE_CHECKING:
    from ic_harness.networks import Network

MARKER: Final = "ic"
SUBNETS: Final = "subnets"
HISTORY: Final = "history"


class Limits(TypedDict, total=False):
    """The limits of a test: instructions of one message, and rounds in which canisters execute."""

    instructions: int
    rounds: int


def limits_of(item: pytest.Item) -> Limits:
    """Return the limits of a test; markers of the test win over those of its class and module.

    Raises `pytest.UsageError` for what is no limit.
    """
    found: Limits = {}
    for mark in item.iter_markers(MARKER):
        if mark.args:
            raise _error(item, f"takes keywords only, such as instructions='1B', not {brief(mark.args[0])}")
        for key, value in mark.kwargs.items():
            if key == "instructions":
                found.setdefault("instructions", _checked(item, key, value))
            elif key == "rounds":
                found.setdefault("rounds", _checked(item, key, value))
            elif key not in (SUBNETS, HISTORY):
                known = [*Limits.__annotations__, SUBNETS, HISTORY]
                raise _error(item, f"has no key {key!r}; {suggest(key, known)}")
    return found


def subnets_of(item: pytest.Item) -> str | None:
    """Return the subnets that a test asks for, as `--subnets` takes them; None for those of the run.

    Raises `pytest.UsageError` for what is no network.
    """
    for mark in item.iter_markers(MARKER):
        if SUBNETS in mark.kwargs:
            return _checked_subnets(item, mark.kwargs[SUBNETS])
    return None


def history_of(item: pytest.Item) -> bool:
    """Return whether a test asks for a network that is recorded. Raises `pytest.UsageError` for no truth value."""
    for mark in item.iter_markers(MARKER):
        if HISTORY in mark.kwargs:
            value = mark.kwargs[HISTORY]
            if not isinstance(value, bool):
                raise _error(item, f"{HISTORY}={brief(value)}: give True or False")
            return value
    return False


def _checked_subnets(item: pytest.Item, value: object) -> str:
    from ic_harness.replica import parse_subnets  # lazy: start-up time  # noqa: PLC0415

    if isinstance(value, Mapping):
        value = ",".join(f"{kind}={number}" for kind, number in value.items())
    if not isinstance(value, str):
        raise _error(item, f"{SUBNETS}={brief(value)}: give a text such as 'application=2,nns', or a mapping")
    try:
        parse_subnets(value)
    except InputError as error:
        raise _error(item, f"{SUBNETS}={brief(value)}: {error}") from error
    return value


def _checked(item: pytest.Item, key: str, value: object) -> int:
    if key == "instructions":
        try:
            return parse_instructions(value)
        except ValueError as error:
            raise _error(item, f"instructions={brief(value)}: {error}") from error
    if type(value) is int and value > 0:
        return value
    raise _error(item, f"{key}={brief(value)}: a limit of {key} is a positive integer")


def _error(item: pytest.Item, what: str) -> pytest.UsageError:
    return pytest.UsageError(f"{item.nodeid}: the marker {MARKER} {what}")


def limited(network: Network, limits: Limits) -> AbstractContextManager[None]:
    """Limit the network for one test; where a network cannot, its own limits hold."""
    from ic_harness.networks import Capability  # lazy: start-up time  # noqa: PLC0415

    if not limits or Capability.LIMITS not in network.capabilities:
        return nullcontext()
    return network.limited(**limits)
