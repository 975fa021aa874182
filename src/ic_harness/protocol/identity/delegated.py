"""An identity that signs on behalf of another one, by a chain of delegations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ic_harness.errors import IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol.delegation import (
    Permissions,
    SignedDelegation,
    chain_from_json,
    chain_to_json,
    create_delegation,
)
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.identity.foreign import as_identity


class DelegatedIdentity:
    """Signs with `inner`; requests carry the principal of the first key of `chain`.

    `public_key_der` is the key that signed the first link. Raises `IdentityError` when the chain is empty or
    does not end at the key of `inner`.
    """

    __slots__ = ("_chain", "_inner", "_public_key_der")

    def __init__(self, inner: Identity, chain: Iterable[SignedDelegation], *, public_key_der: bytes) -> None:
        self._inner = inner
        self._chain = tuple(chain)
        self._public_key_der = public_key_der
        if not self._chain:
            raise IdentityError("a delegation chain needs at least one link")
        if self._chain[-1].pubkey != inner.public_key_der:
            raise IdentityError("the delegation chain does not end at the key that would sign")

    @classmethod
    def delegate(
        cls,
        owner: Identity,
        inner: Identity,
        *,
        expiration_ns: int,
        targets: Sequence[Principal] | None = None,
        permissions: Permissions | None = None,
    ) -> DelegatedIdentity:
        """Let `inner` sign for `owner` until `expiration_ns`; `owner` may itself be delegated.

        Both may be ic-py's. Raises `IdentityError` when one of them is anonymous.
        """
        owner, inner = as_identity(owner), as_identity(inner)
        if owner.public_key_der is None or inner.public_key_der is None:
            raise IdentityError("the anonymous identity can neither sign nor receive a delegation")
        link = create_delegation(
            owner,
            inner.public_key_der,
            expiration_ns=expiration_ns,
            targets=targets,
            permissions=permissions,
        )
        return cls(inner, (*owner.delegations, link), public_key_der=owner.public_key_der)

    @classmethod
    def from_json(cls, inner: Identity, text: str) -> DelegatedIdentity:
        """Make the identity of a chain in the JSON of the JavaScript libraries. Raises `IdentityError`.

        `inner` may be ic-py's.
        """
        inner = as_identity(inner)
        public_key_der, chain = chain_from_json(text)
        return cls(inner, chain, public_key_der=public_key_der)

    def to_json(self) -> str:
        """Write the chain (no secret) as the JavaScript libraries do."""
        return chain_to_json(self._public_key_der, self._chain)

    @property
    def principal(self) -> Principal:
        """The principal on whose behalf requests are signed."""
        return Principal.self_authenticating(self._public_key_der)

    @property
    def public_key_der(self) -> bytes | None:
        """The key that the principal is derived from."""
        return self._public_key_der

    @property
    def delegations(self) -> tuple[SignedDelegation, ...]:
        """The chain."""
        return self._chain

    def sign(self, payload: bytes) -> bytes:
        """Sign with the last key of the chain."""
        return self._inner.sign(payload)

    def __repr__(self) -> str:
        return f"DelegatedIdentity({self.principal}, {len(self._chain)} links)"
