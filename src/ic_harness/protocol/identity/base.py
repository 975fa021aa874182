"""The interface of identities, and the anonymous identity."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from ic_harness.errors import IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol.delegation import SignedDelegation


@runtime_checkable
class Identity(Protocol):
    """Signs requests.

    `public_key_der` is None for the anonymous identity only; `delegations` is empty unless the key signs on
    behalf of another one. Implementations never show a secret in `repr`.
    """

    @property
    def principal(self) -> Principal:
        """The sender that requests carry."""
        ...

    @property
    def public_key_der(self) -> bytes | None:
        """The key that the sender's principal is derived from, DER."""
        ...

    @property
    def delegations(self) -> tuple[SignedDelegation, ...]:
        """The chain from `public_key_der` to the key that signs."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Sign bytes that already begin with a domain separator."""
        ...


class AnonymousIdentity:
    """The sender of unsigned requests, `2vxsx-fae`."""

    @property
    def principal(self) -> Principal:
        """The anonymous principal."""
        return Principal.anonymous()

    @property
    def public_key_der(self) -> bytes | None:
        """None: there is no key."""
        return None

    @property
    def delegations(self) -> tuple[SignedDelegation, ...]:
        """Always empty."""
        return ()

    def sign(self, payload: bytes) -> bytes:
        """Raise `IdentityError`: the anonymous identity cannot sign."""
        del payload
        raise IdentityError("the anonymous identity cannot sign")

    def __repr__(self) -> str:
        return "AnonymousIdentity()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnonymousIdentity)

    def __hash__(self) -> int:
        return hash(AnonymousIdentity)


class KeyIdentity:
    """Base of identities with one key: principal and `repr` follow from the public key."""

    __slots__ = {  # noqa: RUF023 - as in `Identity`
        "principal": "The self-authenticating principal of the key.",
        "public_key_der": "The public key, DER.",
        "delegations": "Empty: the key signs for itself.",
    }

    def __init__(self, public_key_der: bytes) -> None:
        self.public_key_der: Final = public_key_der
        self.principal: Final = Principal.self_authenticating(public_key_der)
        self.delegations: Final[tuple[SignedDelegation, ...]] = ()

    def sign(self, payload: bytes) -> bytes:
        """Sign bytes that already begin with a domain separator."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.principal})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyIdentity) and self.public_key_der == other.public_key_der

    def __hash__(self) -> int:
        return hash(self.public_key_der)

    def __reduce__(self) -> tuple[object, ...]:
        # Pickling would write the secret to places that the user did not choose.
        raise IdentityError(f"a {type(self).__name__} cannot be pickled; save it with dump_pem")
