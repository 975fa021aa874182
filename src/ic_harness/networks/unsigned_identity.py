"""An identity without a key: calls as any principal, on networks that accept calls without a signature."""

from __future__ import annotations

from ic_harness.errors import IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol import Identity, SignedDelegation


class UnsignedIdentity:
    """The caller `principal`, whose key is not known. `Network.agent` needs `Capability.IMPERSONATE` for it."""

    delegations: tuple[SignedDelegation, ...] = ()
    public_key_der: bytes | None = None

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    def sign(self, payload: bytes) -> bytes:
        """Raise `IdentityError`: there is no key."""
        del payload
        raise IdentityError(
            f"there is no key of {self.principal}: only networks that impersonate can call as it"
        )

    def __repr__(self) -> str:
        return f"UnsignedIdentity({self.principal})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnsignedIdentity) and self.principal == other.principal

    def __hash__(self) -> int:
        return hash((UnsignedIdentity, self.principal))


def identity_of(who: Identity | Principal | str) -> Identity:
    """Return the identity of a caller: `who` itself, or an unsigned one for a principal or its text.

    Raises `PrincipalError` for a text that is no principal.
    """
    if isinstance(who, Principal | str):
        return UnsignedIdentity(Principal.of(who))
    return who
