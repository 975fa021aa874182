"""A build of a canister: its module, its interface, and the arguments that it is installed with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final

from ic_harness.candid import Service, Type
from ic_harness.lazy_dataclass import dataclass
from ic_harness.networks import interface_of, published_interface, read_interface
from ic_harness.principal import Principal

NO_ARGUMENT: Final = b"DIDL\x00\x00"
"""The Candid encoding of no arguments."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build of a canister; unknown parts are None or empty.

    `name` is how a person calls it, `place` how one reaches it (a path, `reference`, or `NETWORK:CANISTER`), `wasm`
    the module (plain or gzip; None when only a running canister is known),
    `interface` the one that was given beside it, `argument` what its `init` takes, encoded; `upgrade_argument` what
    its `post_upgrade` takes, None for the same. `canister` is a canister of the network that has this build with the
    state to rehearse an upgrade on, such as a fork; None fills a new one.
    """

    name: str
    wasm: bytes | None = None
    interface: Service | None = None
    argument: bytes = NO_ARGUMENT
    upgrade_argument: bytes | None = None
    place: str = ""
    canister: Principal | None = None

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
