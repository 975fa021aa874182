"""The master keys of a network, and what is done with the keys that canisters derive from them.

Master keys follow from the seed of the network, so a network with another seed has others; no network has those of
mainnet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import field

from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import bls
from ic_harness.replica.state.randomness import derive

from . import bip340, ed25519, edwards, secp256k1, vetkd
from .key_names import Algorithm, KeyId


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A derived public key, and the chain code by which further keys can be derived from it."""

    key: bytes
    chain_code: bytes


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The master keys of the network with this seed.

    A path is that of the request, with the id of the canister in front. Keys are taken as existing, and arguments as
    valid: digests of 32 bytes, Merkle roots of 32 bytes or none.
    """

    seed: bytes = field(repr=False)

    def master_public_key(self, key: KeyId) -> bytes:
        """The public key that all others are derived from: 33, 32 or 96 bytes, as derived keys of the algorithm."""
        secret = self._master(key)
        if key.algorithm is Algorithm.VETKD:
            return bls.public_key(secret)
        return ed25519.public(secret) if key.algorithm is Algorithm.ED25519 else secp256k1.multiple(secret)

    def public_key(self, key: KeyId, path: Sequence[bytes]) -> PublicKey:
        """The public key of a path, for signatures: SEC1 compressed (33 bytes), or 32 bytes for Ed25519."""
        secret, chain_code = self._derived(key, path)
        public = ed25519.public if key.algorithm is Algorithm.ED25519 else secp256k1.multiple
        return PublicKey(public(secret), chain_code)

    def sign_ecdsa(self, key: KeyId, path: Sequence[bytes], message_hash: bytes) -> bytes:
        """Sign a digest of 32 bytes; 64 bytes."""
        return secp256k1.sign_ecdsa(self._derived(key, path)[0], message_hash)

    def sign_schnorr(
        self, key: KeyId, path: Sequence[bytes], message: bytes, merkle_root: bytes | None = None
    ) -> bytes:
        """Sign a message; 64 bytes. With `merkle_root` by the Taproot output key (BIP340 only)."""
        secret, chain_code = self._derived(key, path)
        if key.algorithm is Algorithm.ED25519:
            return ed25519.sign(secret, chain_code, message)
        return bip340.sign(secret if merkle_root is None else bip340.tweak(secret, merkle_root), message)

    def vetkd_public_key(self, key: KeyId, canister: bytes, context: bytes) -> bytes:
        """The public key of a canister and context; 96 bytes."""
        return bls.public_key(vetkd.derive(self._master(key), canister, context))

    def vetkd_derive_key(
        self, key: KeyId, canister: bytes, context: bytes, data: bytes, *, transport_key: bytes
    ) -> bytes:
        """The vetKey of `data`, encrypted to `transport_key`; 192 bytes. Raises `TransportKeyError`."""
        return vetkd.encrypted_key(vetkd.derive(self._master(key), canister, context), data, transport_key)

    def _master(self, key: KeyId) -> int:
        wide = hashlib.sha512(derive(self.seed, b"threshold key " + str(key).encode())).digest()
        order = {Algorithm.VETKD: bls.ORDER, Algorithm.ED25519: edwards.ORDER}.get(
            key.algorithm, secp256k1.ORDER
        )
        return int.from_bytes(wide, "big") % (order - 1) + 1

    def _derived(self, key: KeyId, path: Sequence[bytes]) -> tuple[int, bytes]:
        derived = ed25519.derive if key.algorithm is Algorithm.ED25519 else secp256k1.derive
        return derived(self._master(key), path)
