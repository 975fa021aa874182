"""Finds the suite for a canister: by name, else by its Candid interface, else the generic one.

Suites are found in the entry-point group `ic_harness.suites`; each names a `SuiteEntry`. The entry
points of `ic_harness.suites.NAME`, where there are any, name methods that a canister must have before the suite NAME is
loaded.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Final

from ic_harness.candid import Service
from ic_harness.entry_points import load_entry_point
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import Network, fetch_interface
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest
from ic_harness.text import one_line

from .build import Build
from .suite import SuiteEntry

GROUP: Final = "ic_harness.suites"
"""The group of entry points."""
GENERIC: Final = "generic"


def suite_names() -> list[str]:
    """Return the names of all suites that are installed."""
    return [*_points(), GENERIC]


def suite_named(name: str) -> SuiteEntry:
    """Return the suite called `name`. Raises `InputError` with the known names, or when it cannot be loaded."""
    if name == GENERIC:
        return _generic()
    found = _points().get(name)
    if found is None:
        raise InputError(f"there is no suite {one_line(name)!r}; {suggest(name, suite_names())}")
    return _load(found)


def suite_for(service: Service | None) -> SuiteEntry:
    """Return the first suite that fits the interface; the generic one when none does."""
    if service is not None:
        for point in _points().values():
            if _needed(point.name) <= set(service.methods) and (entry := _load(point)).matches(service):
                return entry
    return _generic()


def suite_of(subject: Build, network: Network, canister: Principal | None) -> SuiteEntry:
    """Return the suite for a build, or for the running `canister`, by the interface that it publishes.

    A build that publishes none is known by the interface that was given beside it.
    """
    return suite_for(_published(subject, network, canister) or subject.interface)


def _published(subject: Build, network: Network, canister: Principal | None) -> Service | None:
    try:
        return subject.published if canister is None else fetch_interface(network.agent(), canister)
    except (CandidError, InputError):  # none, or none that can be read: the stage Interface says so
        return None


def _generic() -> SuiteEntry:
    from .generic import ENTRY  # lazy: it builds on the gate  # noqa: PLC0415

    return ENTRY


def _needed(name: str) -> set[str]:
    """The methods without which the suite `name` is not even loaded."""
    return {point.name for point in entry_points(group=f"{GROUP}.{name}")}


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name != GENERIC}


def _load(point: EntryPoint) -> SuiteEntry:
    return load_entry_point(point, "suite", SuiteEntry)
