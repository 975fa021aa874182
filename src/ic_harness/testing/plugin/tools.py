"""What fixtures hand to tests: callers, deployed canisters, photos, and the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ic_harness.networks import Canister, Network, deploy_canister, read_project
from ic_harness.principal import Principal
from ic_harness.protocol import Identity, SignedDelegation
from ic_harness.units import SECOND

from .lab import Lab, read_wasm


class Identities:
    """Makes the callers of one test; it is also the test's own caller itself."""

    delegations: tuple[SignedDelegation, ...] = ()

    def __init__(self, lab: Lab, test: str) -> None:
        self._lab = lab
        self._test = test
        self._own = lab.identity(test, "")
        self.principal: Principal = self._own.principal
        self.public_key_der: bytes | None = self._own.public_key_der

    def __call__(self, name: str = "") -> Identity:
        """Give the identity called `name`; without a name the test's own."""
        return self._lab.identity(self._test, name) if name else self._own

    def sign(self, payload: bytes) -> bytes:
        """Sign as the test's own caller."""
        return self._own.sign(payload)


class Deployer:
    """Installs canisters for one test."""

    def __init__(self, lab: Lab, caller: Identity, folder: Path) -> None:
        self._lab = lab
        self._caller = caller
        self._folder = folder

    def __call__(self, what: str | Path | bytes, *args: Any, candid: str | Path | None = None) -> Canister:
        """Install `what` with the arguments `args` of its `init`, and give a client for it.

        `what` is the name of a canister in `dfx.json`, a path to a Wasm (plain or gzip), or its bytes. The
        interface is `candid` (a path or the text), else what the project or `--candid` says, else what the
        canister publishes. Raises `InputError` when there is no such canister, `RejectError` when it cannot
        be installed.
        """
        wasm, did = self._find(what)
        given = self._folder / candid if isinstance(candid, str) and candid.endswith(".did") else candid
        interface = given or did or self._lab.options.candid
        canister = deploy_canister(self._lab.network, wasm, args, interface=interface)
        if not isinstance(what, bytes):
            self._lab.names[canister.canister_id] = Path(what).name.partition(".wasm")[0]
        return canister.as_(self._caller)

    def _find(self, what: str | Path | bytes) -> tuple[bytes, Path | None]:
        if isinstance(what, bytes):
            return what, None
        if isinstance(what, Path) or what.endswith((".wasm", ".wasm.gz")):
            return read_wasm(self._folder / what), None
        (found,) = read_project(self._folder, [what])[-1:]
        return found.wasm, found.candid


class Clock:
    """The network's time."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def now_ns(self) -> int:
        """The time in nanoseconds since the Unix epoch."""
        return self._network.time_ns()

    def advance(self, seconds: float) -> None:
        """Move the time forward and run the timers that are due."""
        self._network.advance_time(int(seconds * SECOND))
        self._network.tick()
