"""What the tests of one process share: one network, started once, and the canister that is tested on it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ic_harness.bundled import default_canister
from ic_harness.errors import InputError
from ic_harness.networks import Capability, Network, open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

from .options import Options


class Lab:
    """One network for all tests of this process, each in a state of its own."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.network: Network = open_network(options.network)
        # A network that was there before may know the identities of an earlier run; they must not come again.
        self._salt = b"" if self.network.url is None else secrets.token_bytes(16)
        self._canister: Principal | None = None
        self._inside_test = False
        self.names: dict[Principal, str] = {}
        """How the canisters of the running test are called; ids may come again in the next test."""

    def close(self) -> None:
        """Stop what was started."""
        self.network.close()

    @contextmanager
    def test(self, *, with_canister: bool) -> Iterator[Network]:
        """Give a test the network, and put everything back afterwards where that can be done.

        `with_canister` deploys the canister under test before, so that it is there for the next tests too.
        """
        if self.network.failure is not None:
            self._open_anew()
        if with_canister:
            self.canister()
        self._inside_test = True
        self.names.clear()
        try:
            with self.network.anchored():
                yield self.network
        finally:
            self._inside_test = False

    def _open_anew(self) -> None:
        """Replace a network that has stopped, so that its failure costs the test that met it and no other."""
        self.network.close()
        self.network, self._canister = open_network(self.options.network), None

    def missing(self, wanted: Iterable[str]) -> str | None:
        """Say why a test that needs `wanted` capabilities cannot run; None when it can."""
        for name in wanted:
            if Capability(name) not in self.network.capabilities:
                return f"the network {self.network.name} cannot: {name}"
        return None

    def identity(self, test: str, name: str) -> Ed25519Identity:
        """Make the identity that `name` has in `test`: always the same, and another in every other test."""
        seed = hashlib.sha256(b"\0".join([self._salt, test.encode(), name.encode()])).digest()
        return Ed25519Identity.from_seed(seed)

    def canister(self) -> Principal:
        """Find or deploy the canister under test.

        Raises `InputError` for a Wasm that cannot be read, `MissingCapabilityError` where canisters cost.
        """
        canister = self._find_canister()
        self.names[canister] = self._name()
        return canister

    def _name(self) -> str:
        """What logs and figures call the canister under test."""
        if self.options.wasm is not None:
            return self.options.wasm.name.partition(".wasm")[0]
        bundled = default_canister() if self.options.canister_id is None else None
        return bundled.name if bundled is not None else "canister"

    def _find_canister(self) -> Principal:
        if self.options.canister_id is not None:
            return Principal.from_text(self.options.canister_id)
        if self._canister is not None:
            return self._canister
        canister = self.network.deploy(self.wasm())
        if not (self._inside_test and Capability.SNAPSHOT in self.network.capabilities):
            self._canister = canister
        return canister

    def wasm(self) -> bytes:
        """Return the build under test: `--wasm`, else the bundled canister. Raises `InputError` without either."""
        if self.options.wasm is not None:
            return read_wasm(self.options.wasm)
        bundled = default_canister()
        if bundled is None:
            raise InputError("there is no canister to test: give --wasm FILE or --canister-id ID")
        return bundled.wasm()


def read_wasm(path: Path) -> bytes:
    """Read a Wasm file, plain or gzip. Raises `InputError` that names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
