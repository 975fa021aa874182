"""Runs every check on a mutant, one call after another, so that each run finds the same."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from ic_capsule.backend import Backend, QuotasUpdate
from ic_capsule.suite.checks import CHECKS, flow
from ic_capsule.suite.context import CheckContext, Sizes
from ic_capsule.suite.guarantees import GUARANTEES
from ic_capsule.uploads import make_large_jpeg, photo, sync_api
from ic_capsule.uploads.content import InMemory
from ic_capsule.uploads.derivatives import render
from ic_capsule.uploads.source import PhotoSource
from ic_capsule.uploads.threaded import ThreadedClient
from ic_capsule.uploads.worker import Derivative, Derivatives
from ic_harness.agent import Agent, Management
from ic_harness.networks import EmbeddedNetwork
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Identity
from ic_harness.replica import LogLine, ManualClock, Replica, ReplicaConfig
from ic_harness.testing.check import Check
from ic_harness.testing.results import CheckResult, Outcome
from ic_harness.testing.runner import describe, run_check

from .mutants import unplanted

P = ParamSpec("P")
T = TypeVar("T")
_MOST_LINES = 20_000
# Small sizes prove the same as the defaults, and all checks take seconds instead of a minute.
SIZES = Sizes(other_capsules=40, listed=51, added=6, photos=2, original=2_000_000, text=200_000)
QUOTAS = {"inline_bytes_per_capsule": 128 << 10, "sessions_per_caller_and_capsule": 24}


class Direct(ThreadedClient):
    """A blocking client as an asynchronous one whose calls wait for each other: chunks arrive as they are sent."""

    async def _call(self, method: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
        return method(*args, **named)


@cache
def _rendered(photo: bytes) -> Derivatives:
    made = render(io.BytesIO(photo), "photo")
    images = {
        name: Derivative(width, height, InMemory(data)) for name, (width, height, data) in made.images.items()
    }
    return Derivatives(made.facts, images)


async def _derive(source: PhotoSource) -> Derivatives:
    return _rendered(source.path.read_bytes())


@contextmanager
def one_by_one() -> Iterator[None]:
    """Let uploads make one call after another, so that every run is the same, and render each photo only once."""
    with (
        patch.object(sync_api, "ThreadedClient", Direct),
        patch.object(photo, "derive", _derive),
        patch.object(flow, "make_large_jpeg", cache(make_large_jpeg)),
    ):
        yield


class SequentialContext(CheckContext):
    """A context that makes concurrent calls one after another, in the given order, and unsigned."""

    def at_once(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make the calls and return their results."""
        return [call() for call in calls]

    def _agent(self, identity: Identity) -> Agent:
        return self.network.bulk_agent(identity)


def run(wasm: bytes, fault: str = "", checks: Sequence[Check] = CHECKS) -> list[CheckResult]:
    """Run checks on a canister of this Wasm, each in a state of its own, with a stopped clock.

    The canister's environment names the fault, so that the module of all mutants is compiled once for all of them.
    """
    with _installed(wasm, fault) as (network, canister):
        return [_result(network, canister, wasm, check) for check in checks]


def reached_by(fault: str) -> list[Check]:
    """Find the checks that run into code which the fault changes; on all others it cannot make a difference.

    A run is determined by its calls, so one that never asks whether the fault is planted is the run without a fault.
    """
    from_the_start, by_check = _questions()
    return [check for check in CHECKS if fault in from_the_start | by_check[check.name]]


@cache
def _questions() -> tuple[set[str], dict[str, set[str]]]:
    """Which faults the module asks for while it is installed, and in each check."""
    asked: Counter[str] = Counter()
    by_check: dict[str, set[str]] = {}
    with _installed(unplanted(), "?", asked) as (network, canister):
        from_the_start = _names(asked)
        for check in CHECKS:
            asked.clear()
            result = _result(network, canister, unplanted(), check)
            assert result.outcome is Outcome.PASSED, describe(result)
            by_check[check.name] = _names(asked)
    return from_the_start, by_check


def _names(asked: Counter[str]) -> set[str]:
    """The faults that were asked for; of what one message prints, only the newest 2 MiB are kept."""
    assert asked.total() < _MOST_LINES, "bug: questions may have been lost"
    return set(asked)


@contextmanager
def _installed(
    wasm: bytes, fault: str, asked: Counter[str] | None = None
) -> Iterator[tuple[EmbeddedNetwork, Principal]]:
    """Install the module into a network of its own; `asked` is filled with the faults that it asks for."""
    config = ReplicaConfig(seed=b"ic-harness mutants", background=False, clock=ManualClock())
    with one_by_one(), EmbeddedNetwork(Replica(config)) as network:
        if asked is not None:
            network.replica.on_line(partial(_note, asked))
        canister = network.create_canister()
        if fault:
            settings = {"environment_variables": {"planted": fault}}
            Management(network.agent(network.deployer)).update_settings(canister, settings)
        network.install(canister, wasm)
        Backend(network.bulk_agent(network.deployer), canister).quotas_update(QuotasUpdate(**QUOTAS))
        yield network, canister


def _note(asked: Counter[str], line: LogLine) -> None:
    word, _, name = line.text.partition("planted: ")
    if not word:
        asked[name] += 1


def _result(network: EmbeddedNetwork, canister: Principal, wasm: bytes, check: Check) -> CheckResult:
    context = SequentialContext(
        network,
        canister,
        lambda who: Ed25519Identity.from_seed(hashlib.sha256(f"{check.name} {who}".encode()).digest()),
        controller=network.deployer,
        upgrade=lambda: network.install(canister, wasm, mode="upgrade"),
        sizes=SIZES,
    )
    with network.anchored():
        return run_check(check, context)


def failures(results: list[CheckResult]) -> list[CheckResult]:
    """Return the results that are no pass; a check that is skipped or could not run is none either."""
    return [row for row in results if row.outcome is not Outcome.PASSED]


def broken(results: list[CheckResult]) -> list[str]:
    """Return the guarantees that did not pass, in the order of the catalogue."""
    named = {row.guarantee.id for row in failures(results)}
    return [id_ for id_ in GUARANTEES if id_ in named]
