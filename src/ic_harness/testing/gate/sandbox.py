"""The sandbox of a run: a network, and the canisters and callers that the gate creates on it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ic_harness.agent import Management
from ic_harness.candid import Service
from ic_harness.errors import HarnessError
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Identity
from ic_harness.testing.assertions import UnmetNeedError
from ic_harness.testing.target import Target

from .build import Build


class Sandbox:
    """A network with the canisters that the gate created on it. `close` deletes them."""

    def __init__(self, network: Network, salt: bytes = b"") -> None:
        self.network = network
        self.management = Management(network.agent(network.deployer))
        self._salt = salt
        self._made: list[Principal] = []

    def close(self) -> list[str]:
        """Delete the created canisters. Returns a sentence for each that could not be deleted.

        An embedded network in memory needs no clean-up.
        """
        if Capability.SNAPSHOT in self.network.capabilities:
            return []
        left = []
        while self._made:
            canister = self._made.pop()
            try:
                self.management.stop_canister(canister)
                self.management.delete_canister(canister)
            except HarnessError as error:
                left.append(f"canister {canister} stays on {self.network.name}: {error}")
        return left

    def need(self, capability: Capability, purpose: str) -> None:
        """Skip the stage, by name, where the network lacks `capability`. Raises `UnmetNeedError`."""
        if capability not in self.network.capabilities:
            msg = f"{purpose} needs what {self.network.name} cannot do: {capability.value}"
            raise UnmetNeedError(msg)

    def install(self, build: Build) -> Principal:
        """Install a build into a new canister. Raises `RejectError` when the network refuses the module."""
        assert build.wasm is not None, "bug: a build without Wasm cannot be installed"
        canister = self.network.create_canister()
        self._made.append(canister)
        self.network.install(canister, build.wasm, build.argument)
        return canister

    def upgrade(self, canister: Principal, build: Build) -> None:
        """Upgrade a canister to a build. Raises `RejectError` when the module traps or is refused."""
        assert build.wasm is not None, "bug: a build without Wasm cannot be upgraded to"
        argument = build.argument if build.upgrade_argument is None else build.upgrade_argument
        self.network.install(canister, build.wasm, argument, "upgrade")

    @contextmanager
    def stopped(self, canister: Principal) -> Iterator[None]:
        """Stop a canister during the block, as a deploy does around a snapshot."""
        self.management.stop_canister(canister)
        try:
            yield
        finally:
            self.management.start_canister(canister)

    def target(
        self,
        canister: Principal,
        scenario: str,
        *,
        service: Service | None = None,
        controller: Identity | None = None,
        upgrade: Callable[[], None] | None = None,
        place: str = "",
    ) -> Target:
        """Return the canister as a suite calls it.

        Callers of one `scenario` are the same every time; another scenario has others.
        """
        return Target(
            self.network,
            canister,
            lambda name: self._identity(scenario, name),
            shared=self.shared,
            service=service,
            controller=controller,
            upgrade=upgrade,
            place=place,
        )

    def shared(self, name: str) -> Identity:
        """Return the identity `name` that all stages and checks of the run share."""
        return self._identity("", name)

    def _identity(self, scenario: str, name: str) -> Identity:
        seed = hashlib.sha256(b"\0".join([self._salt, b"gate", scenario.encode(), name.encode()])).digest()
        return Ed25519Identity.from_seed(seed)
