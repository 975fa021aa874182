"""Runs every check on a mutant, one call after another, so that each run finds the same."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar
from unittest.mock import patch

from ic_harness.agent import Management
from ic_harness.backend import Backend, QuotasUpdate
from ic_harness.conformance.checks import CHECKS, flow
from ic_harness.conformance.guarantees import GUARANTEES
from ic_harness.conformance.results import CheckResult, Outcome
from ic_harness.conformance.running import run_check
from ic_harness.conformance.stage import Sizes, Stage
from ic_harness.networks import EmbeddedNetwork
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.uploads import blocking, make_large_jpeg, photo
from ic_harness.uploads.blocking import InThreads
from ic_harness.uploads.derivatives import render
from ic_harness.uploads.material import InMemory
from ic_harness.uploads.source import PhotoSource
from ic_harness.uploads.worker import Derivative, Derivatives

T = TypeVar("T")
# What the dear checks prove is not in their size: all of them together take seconds and not a minute.
SIZES = Sizes(neighbours=40, original=4_000_000)
QUOTAS = {"inline_bytes_per_capsule": 128 << 10, "sessions_per_caller_and_capsule": 40}


class Direct(InThreads):
    """A blocking client as an asynchronous one whose calls wait for each other: chunks arrive as they are sent."""

    def _in_thread(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*args: Any, **named: Any) -> Any:
            return method(*args, **named)

        return call


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
        patch.object(blocking, "InThreads", Direct),
        patch.object(photo, "derive", _derive),
        patch.object(flow, "make_large_jpeg", cache(make_large_jpeg)),
    ):
        yield


class QuietStage(Stage):
    """A stage on which calls at once are made in the order in which they are asked for."""

    def at_once(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make the calls and give their results."""
        return [call() for call in calls]


def run(wasm: bytes, fault: str = "") -> list[CheckResult]:
    """Run every check on a canister of this Wasm, each in a state of its own.

    The canister's environment names the fault, so that the module of all mutants is compiled once for all of them.
    """
    replica = Replica(ReplicaConfig(seed=b"ic-harness mutants", background=False))
    with one_by_one(), EmbeddedNetwork(replica) as network:
        canister = network.create_canister()
        if fault:
            settings = {"environment_variables": {"planted": fault}}
            Management(network.agent(network.deployer)).update_settings(canister, settings)
        network.install(canister, wasm)
        Backend(network.agent(network.deployer), canister).quotas_update(QuotasUpdate(**QUOTAS))
        results = []
        for check in CHECKS:
            with network.anchored():
                results.append(run_check(check, _stage(network, canister, wasm, check.name)))
        return results


def _stage(network: EmbeddedNetwork, canister: Principal, wasm: bytes, name: str) -> Stage:
    return QuietStage(
        network,
        canister,
        lambda who: Ed25519Identity.from_seed(hashlib.sha256(f"{name} {who}".encode()).digest()),
        controller=network.deployer,
        upgrade=lambda: network.install(canister, wasm, mode="upgrade"),
        sizes=SIZES,
    )


def failures(results: list[CheckResult]) -> list[CheckResult]:
    """Give the results that are no pass; a check that is skipped or could not run is none either."""
    return [row for row in results if row.outcome is not Outcome.PASSED]


def broken(results: list[CheckResult]) -> list[str]:
    """Name the guarantees that did not pass, in the order of the catalogue."""
    named = {row.guarantee.id for row in failures(results)}
    return [id_ for id_ in GUARANTEES if id_ in named]
