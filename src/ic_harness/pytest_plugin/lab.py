"""What the tests of one process share: one network, started once, and the backend that is tested on it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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
        self._backend: Principal | None = None
        self._inside_test = False
        self.names: dict[Principal, str] = {}
        """How the canisters of the running test are called; ids may come again in the next test."""

    def close(self) -> None:
        """Stop what was started."""
        self.network.close()

    @contextmanager
    def test(self, *, with_backend: bool) -> Iterator[Network]:
        """Give a test the network, and put everything back afterwards where that can be done.

        `with_backend` deploys the backend before, so that it is there for the next tests too.
        """
        if self.network.failure is not None:
            self._open_anew()
        if with_backend:
            self.backend()
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
        self.network, self._backend = open_network(self.options.network), None

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

    def backend(self) -> Principal:
        """Find or deploy the backend under test.

        Raises `InputError` for a Wasm that cannot be read, `MissingCapabilityError` where canisters cost.
        """
        canister = self._find_backend()
        self.names[canister] = "backend"
        return canister

    def _find_backend(self) -> Principal:
        if self.options.canister_id is not None:
            return Principal.from_text(self.options.canister_id)
        if self._backend is not None:
            return self._backend
        canister = self.network.deploy(self.wasm())
        if not (self._inside_test and Capability.SNAPSHOT in self.network.capabilities):
            self._backend = canister
        return canister

    def wasm(self) -> bytes:
        """Return the build under test: `--wasm`, else the reference backend. Raises `InputError`."""
        if self.options.wasm is not None:
            return read_wasm(self.options.wasm)
        from ic_harness.backend import reference_wasm  # lazy: the backend's client  # noqa: PLC0415

        return reference_wasm()


def read_wasm(path: Path) -> bytes:
    """Read a Wasm file, plain or gzip. Raises `InputError` that names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
