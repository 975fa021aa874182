"""What the gate is asked to judge, as data: a build or a running canister, what it replaces, and the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.testing.results import Acceptance

from .build import Build
from .suite import Suite

DEFAULT_BUDGET: Final = 10.0
"""By how many per cent a method may cost more than in the baseline, unless somebody says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to judge, and by which rules.

    `canister` names a running canister that is judged as it is; then `subject` has no Wasm. `budget` is in per cent,
    `today` decides which acceptances still count, `started` goes into the report (ISO 8601, UTC). `salt` makes the
    callers of this run others than those of earlier runs, for networks that remember. `controller` is the identity
    that controls the running canister, where there is one. `suite` is what runs; None chooses it by the interface.
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
