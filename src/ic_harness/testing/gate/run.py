"""One run of the gate while it lasts: what was asked, where it plays, and what the stages leave for each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ic_harness.agent import Management
from ic_harness.candid import Service
from ic_harness.errors import RejectError
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.replica import ModuleFacts
from ic_harness.testing.expectations import UnmetNeedError
from ic_harness.testing.results import CheckResult, Figure, MethodCost, Picture, Timeline
from ic_harness.testing.target import Target

from .acceptance import Acceptances
from .ground import Ground
from .order import Order
from .suite import Suite

Watch = Callable[[str, int, int], None]
"""Told what is done now, how many steps are behind, and how many there are."""


def nobody(_doing: str, _done: int, _total: int) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What the rehearsal of the upgrade leaves for Back-out.

    `state` is what the suite stored before the upgrade, `extended` what there was after it; None when the upgrade
    was refused. `refusal` says why there is no snapshot.
    """

    canister: Principal
    state: Any
    snapshot: bytes | None
    refusal: str
    upgraded: bool = False
    extended: Any = None


@dataclass(kw_only=True)
class Run:
    """What the stages of one run share: each reads what earlier ones found, and adds what it finds itself."""

    order: Order
    ground: Ground
    suite: Suite
    acceptances: Acceptances
    watch: Watch = nobody
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
        return self.ground.network

    def subject_wasm(self, otherwise: str) -> bytes:
        """The module under judgement. Raises `UnmetNeedError` when a running canister is judged."""
        wasm = self.order.subject.wasm
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

    def target(self, canister: Principal, play: str) -> Target:
        """Return a canister that the gate filled or installed itself; `play` names whose callers are used."""
        return self.ground.target(canister, play, service=self._service, place=self.order.subject.place)

    @property
    def _service(self) -> Service | None:
        return self.service or self.order.subject.service

    def judged(self, play: str) -> Target:
        """Return the canister under judgement, with its controller and a way to upgrade it where there is one.

        Raises `UnmetNeedError` when there is none, or it is not of the suite's kind.
        """
        canister = self.judged_canister()
        return self.ground.target(
            canister,
            play,
            service=self._service,
            controller=self._controller,
            upgrade=self._upgrade(canister),
            place=self.order.subject.place,
        )

    @cached_property
    def _controller(self) -> Identity | None:
        """Who may control the canister: who installed it, or who was named and is a controller indeed."""
        if self.order.canister is None:
            return self.ground.network.deployer
        named = self.order.controller
        if named is None:
            return None
        try:
            Management(self.ground.network.agent(named)).canister_status(self.order.canister)
        except RejectError:
            return None
        return named

    def _upgrade(self, canister: Principal) -> Callable[[], None] | None:
        if self.order.subject.wasm is None or Capability.UPGRADE not in self.ground.network.capabilities:
            return None
        return partial(self.ground.upgrade, canister, self.order.subject)
