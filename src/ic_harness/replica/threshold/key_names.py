"""The names of the threshold keys of a network.

Every algorithm has a key of each name, as on a local network of dfx; a network may have further names, and as with
PocketIC have only the names that its subnets bring.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.config import Subnet
from ic_harness.text import brief

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
