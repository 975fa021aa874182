"""Chooses the suite for a canister: the named one, else by the interface, with the user's functions."""

from __future__ import annotations

from pathlib import Path

from ic_harness.errors import InputError
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.testing.gate import Build, Suite, suite_named, suite_of

from .gate_options import Asked

_GENERIC = "generic"


def chosen_suite(asked: Asked, subject: Build, network: Network, canister: Principal | None) -> Suite:
    """Return the suite for a build, or for a running `canister`.

    Raises `InputError` for an unknown suite, and for own functions that cannot be read or belong to another suite.
    """
    own = [option for option in ("module", "guarantees", "volatile") if getattr(asked, option)]
    name = asked.suite or (_GENERIC if own else suite_of(subject, network, canister).name)
    if name != _GENERIC:
        if own:
            raise InputError(
                f"--{own[0]} belongs to the suite {_GENERIC}, not to {name}: give --suite {_GENERIC}"
            )
        return suite_named(name).load()
    from ic_harness.testing.gate.generic import user_suite  # lazy: start-up time  # noqa: PLC0415

    return user_suite(
        [Path(file) for file in asked.module], [Path(it) for it in asked.guarantees], asked.volatile
    )
