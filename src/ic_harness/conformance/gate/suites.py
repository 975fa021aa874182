"""Finds the suite for a canister: by name, else by its Candid interface, else the generic one.

Suites of other distributions are found in the entry-point group `ic_harness.suites`; each names a `SuiteEntry`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from ic_harness.candid import Service
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import Network, fetch_interface
from ic_harness.principal import Principal
from ic_harness.text import one_line

from .order import Build
from .suite import SuiteEntry

GROUP: Final = "ic_harness.suites"
"""The group of entry points."""
GENERIC: Final = "generic"
_OURS: Final[Mapping[str, str]] = {
    "capsule": "ic_harness.conformance.capsule:ENTRY",
    "icrc": "ic_harness.icrc:ENTRY",
    GENERIC: "ic_harness.conformance.gate.generic:ENTRY",
}
"""The suites of this distribution, asked before those of others."""


def suite_names() -> list[str]:
    """Return the names of all suites that are installed, ours first."""
    return [*_OURS, *(name for name in _others() if name not in _OURS)]


def suite_named(name: str) -> SuiteEntry:
    """Return the suite called `name`. Raises `InputError` with the known names, or when it cannot be loaded."""
    if name in _OURS:
        return _ours(name)
    found = _others().get(name)
    if found is None:
        raise InputError(f"there is no suite {one_line(name)!r}; there are: {', '.join(suite_names())}")
    return _loaded(found)


def suite_for(service: Service | None) -> SuiteEntry:
    """Return the first suite whose `matches` accepts the interface; the generic one when none does."""
    if service is not None:
        for name in suite_names():
            entry = suite_named(name)
            if name != GENERIC and entry.matches(service):
                return entry
    return _ours(GENERIC)


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


def _ours(name: str) -> SuiteEntry:
    module, _, attribute = _OURS[name].partition(":")
    entry = getattr(importlib.import_module(module), attribute)
    assert isinstance(entry, SuiteEntry), f"bug: {_OURS[name]} is no SuiteEntry"
    return entry


def _others() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _loaded(point: EntryPoint) -> SuiteEntry:
    where = f"the suite {one_line(point.name)!r} ({one_line(point.value)})"
    try:
        entry = point.load()
    except Exception as error:
        raise InputError(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(entry, SuiteEntry):
        raise InputError(
            f"{where} must be an ic_harness.conformance.gate.SuiteEntry, not {type(entry).__name__}"
        )
    return entry
