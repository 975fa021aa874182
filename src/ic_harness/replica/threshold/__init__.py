"""Threshold keys of the network: master keys from its seed, keys of canisters derived from them, signatures.

Pure arithmetic: nothing here knows a canister, a round or a price. One process holds what the nodes of a subnet hold
in shares, so nothing is secret from the operator of the network.
"""

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names

from .key_names import KEYS, Algorithm, KeyId, check_key_names, keys_held, keys_of

if TYPE_CHECKING:
    from .keys import MasterKeys, PublicKey
    from .vetkd import TransportKeyError

__all__ = [
    "KEYS",
    "Algorithm",
    "KeyId",
    "MasterKeys",
    "PublicKey",
    "TransportKeyError",
    "check_key_names",
    "keys_held",
    "keys_of",
]

# The arithmetic loads further parts of `cryptography`, and few networks sign.
_LAZY = {"MasterKeys": ".keys", "PublicKey": ".keys", "TransportKeyError": ".vetkd"}

__getattr__ = lazy_names(__name__, _LAZY)
