"""The gate's request as data: a build or a running canister, its baseline, and the rules."""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.testing.results import Acceptance

from .build import Build
from .suite import Suite

DEFAULT_BUDGET: Final = 10.0
"""How many per cent more than in the baseline a method may cost, by default."""


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """The canister to judge, and the rules.

    `canister` is the id of a running canister; then `subject` has no Wasm. `budget` is in per cent. `today` decides
    which acceptances are valid. `started` is shown in the report (ISO 8601, UTC). `salt` makes this run's callers
    differ from those of earlier runs, for networks that keep their state. `controller` is the identity that controls
    the running canister, if known. `suite` is chosen by the interface when it is None.
    """

    subject: Build
    today: date
    started: str
    canister: Principal | None = None
    controller: Identity | None = None
    baseline: Build | None = None
    budget: float = DEFAULT_BUDGET
    acceptances: tuple[Acceptance, ...] = field(default=())
    salt: bytes = b""
    suite: Suite | None = None

    @property
    def before(self) -> Build:
        """The build that an upgrade starts from: the baseline, or the subject itself where no Wasm is known."""
        return self.baseline if self.baseline is not None and self.baseline.wasm else self.subject
