"""One run of the gate while it lasts: what was asked, where it plays, and what the stages leave for each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ic_harness.candid import Service
from ic_harness.conformance.expectations import UnmetNeedError
from ic_harness.conformance.results import CheckResult, Figure, MethodCost, Picture, Timeline
from ic_harness.principal import Principal
from ic_harness.replica import ModuleFacts

from .acceptance import Acceptances
from .ground import Ground
from .order import Order

if TYPE_CHECKING:
    from .rehearsal import Rehearsed

Watch = Callable[[str, int, int], None]
"""Told what is done now, how many steps are behind, and how many there are."""


def nobody(_doing: str, _done: int, _total: int) -> None:
    """Watch nothing."""


@dataclass(kw_only=True)
class Run:
    """What the stages of one run share: each reads what earlier ones found, and adds what it finds itself."""

    order: Order
    ground: Ground
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

    def subject_wasm(self, otherwise: str) -> bytes:
        """The module under judgement. Raises `UnmetNeedError` when a running canister is judged."""
        wasm = self.order.subject.wasm
        if wasm is None:
            msg = f"a running canister is judged, without its Wasm: {otherwise}"
            raise UnmetNeedError(msg)
        return wasm

    def judged_canister(self) -> Principal:
        """The canister under judgement. Raises `UnmetNeedError` when there is none, or it is no backend."""
        if self.canister is None:
            msg = "the build could not be installed"
            raise UnmetNeedError(msg)
        if self.generation is None:
            msg = "it is no capsule backend that could be tried"
            raise UnmetNeedError(msg)
        return self.canister
