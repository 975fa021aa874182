"""The state of one run of the gate: the request, the sandbox, and the results that stages share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from functools import cached_property, partial
from typing import Any

from ic_harness.agent import Management
from ic_harness.candid import Service
from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.replica import ModuleFacts
from ic_harness.testing.assertions import UnmetNeedError
from ic_harness.testing.results import CheckResult, Figure, MethodCost, Picture, Timeline
from ic_harness.testing.target import Target

from .acceptance import Acceptances
from .request import GateRequest
from .sandbox import Sandbox
from .suite import Suite

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of the current step, the number of finished steps, and their total."""


def no_progress(_doing: str, _done: int, _total: int) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """The result of the upgrade rehearsal, which Back-out continues.

    `state` is what the suite stored before the upgrade, `extended` the state after it; None when the upgrade was
    refused. `refusal` says why there is no snapshot.
    """

    canister: Principal
    state: Any
    snapshot: bytes | None
    refusal: str
    upgraded: bool = False
    extended: Any = None


@dataclass(kw_only=True)
class GateRun:
    """State that the stages of one run share: each reads earlier results and adds its own."""

    request: GateRequest
    sandbox: Sandbox
    suite: Suite
    acceptances: Acceptances
    progress: ProgressCallback = no_progress
    facts: ModuleFacts | None = None
    service: Service | None = None
    generation: str | None = None
    canister: Principal | None = None
    rehearsed: Rehearsed | None = None
    checks: list[CheckResult] = field(default_factory=list)
    costs: list[MethodCost] = field(default_factory=list)
    timelines: list[Timeline] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    @property
    def network(self) -> Network:
        """The network on which the canister runs."""
        return self.sandbox.network

    def subject_wasm(self, otherwise: str) -> bytes:
        """The module under judgement. Raises `UnmetNeedError` when a running canister is judged."""
        wasm = self.request.subject.wasm
        if wasm is None:
            msg = f"a running canister is judged, without its Wasm: {otherwise}"
            raise UnmetNeedError(msg)
        return wasm

    def judged_canister(self) -> Principal:
        """The canister under judgement. Raises `UnmetNeedError` when there is none, or it is of another kind."""
        if self.canister is None:
            msg = "the build could not be installed"
            raise UnmetNeedError(msg)
        if self.generation is None:
            msg = self.suite.unfit
            raise UnmetNeedError(msg)
        return self.canister

    def target(self, canister: Principal, scenario: str) -> Target:
        """Return a canister that the gate installed itself, with the callers of `scenario`."""
        return self.sandbox.target(
            canister, scenario, service=self._service, place=self.request.subject.place
        )

    @property
    def _service(self) -> Service | None:
        return self.service or self.request.subject.service

    def judged(self, scenario: str) -> Target:
        """Return the canister under judgement, with its controller and a way to upgrade it where there is one.

        Raises `UnmetNeedError` when there is none, or it is not of the suite's kind.
        """
        canister = self.judged_canister()
        return self.sandbox.target(
            canister,
            scenario,
            service=self._service,
            controller=self._controller,
            upgrade=self._upgrade(canister),
            place=self.request.subject.place,
        )

    @cached_property
    def _controller(self) -> Identity | None:
        """The controller: the deployer of a build, or the identity of the request if it really is a controller."""
        if self.request.canister is None:
            return self.sandbox.network.deployer
        named = self.request.controller
        if named is None:
            return None
        try:
            Management(self.sandbox.network.agent(named)).canister_status(self.request.canister)
        except RejectError:
            return None
        return named

    def _upgrade(self, canister: Principal) -> Callable[[], None] | None:
        if self.request.subject.wasm is None or Capability.UPGRADE not in self.sandbox.network.capabilities:
            return None
        return partial(self.sandbox.upgrade, canister, self.request.subject)
