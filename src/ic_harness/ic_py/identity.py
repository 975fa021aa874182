"""Identities under ic-py's names. They are accepted wherever an identity is, as ic-py's own are."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, TypeAlias

from ic_harness import protocol
from ic_harness.errors import IdentityError
from ic_harness.ic_py.principal import Principal
from ic_harness.text import parse_json

_Key: TypeAlias = protocol.Ed25519Identity | protocol.Secp256k1Identity
_KINDS: Final[dict[str, type[_Key]]] = {
    "ed25519": protocol.Ed25519Identity,
    "secp256k1": protocol.Secp256k1Identity,
}


class Identity:
    """A key pair, new unless `privkey` (hexadecimal) is passed; `type` is `ed25519` or `secp256k1`.

    Unlike ic-py's it never shows the key. Raises `IdentityError`.
    """

    def __init__(self, privkey: str = "", type: str = "ed25519", anonymous: bool = False) -> None:  # noqa: A002, FBT001, FBT002 - ic-py's names
        self.anonymous = anonymous
        self.key_type = type
        self._key: _Key | None = None if anonymous else _key(privkey, type)

    @classmethod
    def _of(cls, key: Any) -> Identity:
        kind = next((name for name, known in _KINDS.items() if isinstance(key, known)), None)
        if kind is None:
            raise IdentityError("ic-py has Ed25519 and secp256k1 keys only")
        made = cls(anonymous=True)
        made.anonymous, made.key_type, made._key = False, kind, key
        return made

    @classmethod
    def from_seed(cls, mnemonic: str) -> Identity:
        """The Ed25519 key that ic-py makes of a seed phrase: the first half of its BIP-39 seed.

        dfx and the JavaScript libraries derive another one: `ic_harness.protocol.identity_from_seed_phrase`.
        """
        seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
        return cls._of(protocol.Ed25519Identity.from_seed(seed[:32]))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Identity:
        """Read a PEM text."""
        return cls._of(protocol.load_pem(pem.encode() if isinstance(pem, str) else pem))

    def to_pem(self) -> bytes:
        """Write the secret as PKCS#8 PEM."""
        return protocol.dump_pem(protocol.as_identity(self._key))

    def sender(self) -> Principal:
        """The principal."""
        return Principal(protocol.as_identity(self._key).principal.raw)

    def sign(self, msg: bytes) -> tuple[bytes | None, bytes | None]:
        """Sign bytes; returns the public key (DER) and the signature."""
        return (None, None) if self._key is None else (self._key.public_key_der, self._key.sign(msg))

    @property
    def der_pubkey(self) -> bytes | None:
        """The public key, DER; None for the anonymous identity."""
        return None if self._key is None else self._key.public_key_der

    @property
    def privkey(self) -> str:
        """The secret, hexadecimal. Raises `IdentityError` for the anonymous identity."""
        if self._key is None:
            raise IdentityError("the anonymous identity has no key")
        if isinstance(self._key, protocol.Ed25519Identity):
            return self._key.private_key.private_bytes_raw().hex()
        return f"{self._key.private_key.private_numbers().private_value:064x}"

    def __repr__(self) -> str:
        return f"Identity({'anonymous' if self.anonymous else self.key_type}, {self.sender()})"


class DelegateIdentity:
    """A session key with the chain that Internet Identity gave it, in the JSON of the JavaScript libraries."""

    def __init__(self, identity: Identity, delegation: dict[str, Any]) -> None:
        self.identity = identity
        inner = protocol.as_identity(identity)
        self._delegated = protocol.DelegatedIdentity.from_json(inner, json.dumps(delegation))

    @classmethod
    def from_json(cls, ic_identity: str, ic_delegation: str) -> DelegateIdentity:
        """Read what the browser's local storage holds: the key, and the chain. Raises `IdentityError`."""
        try:
            key = Identity(parse_json(ic_identity)[1][:64])
            return cls(key, parse_json(ic_delegation))
        except (ValueError, LookupError, TypeError):
            # The text of the parser would quote the key.
            raise IdentityError("expected the JSON of a key and of a delegation chain") from None

    def sender(self) -> Principal:
        """The principal in whose name the session acts."""
        return Principal(self._delegated.principal.raw)

    def sign(self, msg: bytes) -> tuple[bytes | None, bytes | None]:
        """Sign with the session key; returns its public key (DER) and the signature."""
        return self.identity.sign(msg)

    @property
    def delegations(self) -> list[dict[str, Any]]:
        """The chain as ic-py holds it."""
        return [link.to_value() for link in self._delegated.delegations]

    @property
    def der_pubkey(self) -> bytes | None:
        """The first key of the chain, DER."""
        return self._delegated.public_key_der

    def __repr__(self) -> str:
        return f"DelegateIdentity({self.sender()})"


def _key(privkey: str, kind: str) -> _Key:
    if kind not in _KINDS:
        raise IdentityError(f"no key type {kind!r}; there are: {', '.join(_KINDS)}")
    try:
        return _KINDS[kind].from_seed(bytes.fromhex(privkey)) if privkey else _KINDS[kind].generate()
    except ValueError:
        raise IdentityError("the private key is not hexadecimal") from None
