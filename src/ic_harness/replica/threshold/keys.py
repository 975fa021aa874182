"""The master keys of a network: their names, and what is done with the keys that canisters derive from them.

Every algorithm has a key of each name, as on a local network of dfx; a network may have further names, and as with
PocketIC have only the names that its subnets bring.
Master keys follow from the seed of the network, so a network with another seed has others; no network has those of
mainnet.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import bls
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.randomness import derive
from ic_harness.text import brief

from . import bip340, ed25519, edwards, secp256k1, vetkd

NAMES: Final = ("dfx_test_key", "key_1", "test_key_1")


class Algorithm(enum.Enum):
    """What a key is for; the value is how the replica writes it."""

    ECDSA = "ecdsa:Secp256k1"
    BIP340 = "schnorr:Bip340Secp256k1"
    ED25519 = "schnorr:Ed25519"
    VETKD = "vetkd:Bls12_381_G2"


@dataclass(frozen=True, slots=True)
class KeyId:
    """A master key that is asked for; as text like the replica's, `ecdsa:Secp256k1:key_1`."""

    algorithm: Algorithm
    name: str

    def __str__(self) -> str:
        return f"{self.algorithm.value}:{self.name}"


@lru_cache(maxsize=16)
def keys_of(further: tuple[str, ...] = ()) -> tuple[KeyId, ...]:
    """Return the keys of a network that has these names besides `NAMES`, in the order of their texts."""
    names = (*NAMES, *further)
    return tuple(sorted((KeyId(kind, name) for kind in Algorithm for name in names), key=str))


KEYS: Final = keys_of()
"""The keys of every network, in the order of their texts."""


def keys_held(subnets: Sequence[Subnet]) -> tuple[KeyId, ...]:
    """Return the keys of the network with these subnets: all, or those that its subnets bring by their kinds."""
    rules = subnets[0]
    every = keys_of(rules.threshold_keys)
    if rules.keys_by_kind is None:
        return every
    names = {name for subnet in subnets for name in rules.keys_by_kind.get(subnet.kind, ())}
    return tuple(key for key in every if key.name in names)


def check_key_names(further: object) -> tuple[str, ...]:
    """Return names of further keys as a tuple. Raises `InputError` for what is no list of new names."""
    names = () if isinstance(further, str | bytes) or not isinstance(further, Iterable) else tuple(further)
    if not names and further != ():
        raise InputError(
            f"threshold_keys: give a sequence of names such as ('my_key',), not {brief(further)}"
        )
    for place, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(
                f"threshold_keys: the name of a key is a text that is not empty, not {brief(name)}"
            )
        if name in NAMES or name in names[:place]:
            raise InputError(f"threshold_keys: there is a key {name!r} already")
    return names


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
