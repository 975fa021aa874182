"""What the gate is asked to judge, as data: a build or a running canister, what it replaces, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ic_harness.candid import Service, Type
from ic_harness.conformance.results import Acceptance
from ic_harness.networks import interface_of, published_interface, read_interface
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

if TYPE_CHECKING:
    from .suite import Suite

NO_ARGUMENT: Final = b"DIDL\x00\x00"
"""The Candid encoding of no arguments."""

DEFAULT_BUDGET: Final = 10.0
"""By how many per cent a method may cost more than in the baseline, unless somebody says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build of a canister, as far as it is known.

    `name` is how a person calls it, `place` how one reaches it (a path, `reference`, or `NETWORK:CANISTER`), `wasm`
    the module (plain or gzip; None when only a running canister is known),
    `interface` the one that was given beside it, `argument` what its `init` takes, encoded; `upgrade_argument` what
    its `post_upgrade` takes, None for the same.
    """

    name: str
    wasm: bytes | None = None
    interface: Service | None = None
    argument: bytes = NO_ARGUMENT
    upgrade_argument: bytes | None = None
    place: str = ""

    @cached_property
    def sha256(self) -> str | None:
        """The digest of the module as it would be installed, in hex."""
        return sha256(self.wasm).hexdigest() if self.wasm is not None else None

    @cached_property
    def published(self) -> Service | None:
        """The interface in the module's own section. Raises `CandidError` when that is no Candid."""
        text = published_interface(self.wasm) if self.wasm is not None else None
        return read_interface(text) if text is not None else None

    @property
    def service(self) -> Service | None:
        """The interface: the one that was given, else the published one."""
        return self.interface or self.published

    @property
    def init_types(self) -> Sequence[Type]:
        """The types of what `init` takes: from the interface, else from the module's own section.

        Raises `CandidError` when either is no Candid.
        """
        if self.service is not None and self.service.init_args is not None:
            return self.service.init_args
        return interface_of(self.wasm)[1] if self.wasm is not None else ()


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
