"""The object that the fixture `identity` returns: the callers of one test."""

from __future__ import annotations

from ic_harness.principal import Principal
from ic_harness.protocol import Identity, SignedDelegation

from .session_network import SessionNetwork


class Identities:
    """The callers of one test. The object itself is the identity of the test's own caller."""

    delegations: tuple[SignedDelegation, ...] = ()

    def __init__(self, session: SessionNetwork, test: str) -> None:
        self._session = session
        self._test = test
        self._own = session.identity(test, "")
        self.principal: Principal = self._own.principal
        self.public_key_der: bytes | None = self._own.public_key_der

    def __call__(self, name: str = "") -> Identity:
        """Return the identity called `name`; without a name the test's own."""
        return self._session.identity(self._test, name) if name else self._own

    def sign(self, payload: bytes) -> bytes:
        """Sign as the test's own caller."""
        return self._own.sign(payload)
