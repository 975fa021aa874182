"""Identities of ic-py, accepted as they are.

ic-py's `Identity` and `DelegateIdentity` are told by their methods, so that ic-py need not be installed.
Nothing is taken out of them: they sign themselves.
"""

from __future__ import annotations

from typing import Any

from ic_harness.errors import IdentityError
from ic_harness.principal import Principal
from ic_harness.protocol.delegation import SignedDelegation, check_form
from ic_harness.protocol.identity.base import AnonymousIdentity, Identity


class ForeignIdentity:
    """An identity object of ic-py behind our interface."""

    __slots__ = ("_delegations", "_foreign", "_public_key_der")

    def __init__(
        self, foreign: Any, public_key_der: bytes, delegations: tuple[SignedDelegation, ...]
    ) -> None:
        self._foreign = foreign
        self._public_key_der = public_key_der
        self._delegations = delegations

    @property
    def principal(self) -> Principal:
        """The principal of the first key."""
        return Principal.self_authenticating(self._public_key_der)

    @property
    def public_key_der(self) -> bytes | None:
        """The key that the principal is derived from."""
        return self._public_key_der

    @property
    def delegations(self) -> tuple[SignedDelegation, ...]:
        """The chain, empty for a plain key."""
        return self._delegations

    def sign(self, payload: bytes) -> bytes:
        """Let the foreign object sign."""
        # ic-py returns the pair of public key and signature.
        signature = self._foreign.sign(payload)[1]
        if not isinstance(signature, bytes | bytearray):
            raise IdentityError(f"{type(self._foreign).__name__} gave no signature")
        return bytes(signature)

    def __repr__(self) -> str:
        return f"ForeignIdentity({self.principal})"


def as_identity(value: Any) -> Identity:
    """Accept our identities, None (anonymous), and ic-py's `Identity` and `DelegateIdentity`.

    Raises `IdentityError` for anything else.
    """
    if value is None:
        return AnonymousIdentity()
    if _is_foreign(value):
        return _adopt(value)
    if isinstance(value, Identity):
        return value
    raise IdentityError(f"expected an identity, got {type(value).__name__}")


def _is_foreign(value: Any) -> bool:
    return callable(getattr(value, "sender", None)) and callable(getattr(value, "sign", None))


def _adopt(foreign: Any) -> Identity:
    if Principal.of(foreign.sender()).is_anonymous:
        return AnonymousIdentity()
    delegations = tuple(_link(link) for link in getattr(foreign, "delegations", None) or ())
    public_key = getattr(foreign, "der_pubkey", None)
    if isinstance(public_key, tuple):
        public_key = public_key[0]
    if not isinstance(public_key, bytes | bytearray):
        raise IdentityError(f"{type(foreign).__name__} has no DER public key (`der_pubkey`)")
    return ForeignIdentity(foreign, bytes(public_key), delegations)


def _link(link: Any) -> SignedDelegation:
    delegation = {key: value for key, value in link["delegation"].items() if value is not None}
    check_form(delegation)
    return SignedDelegation(delegation, link["signature"])
