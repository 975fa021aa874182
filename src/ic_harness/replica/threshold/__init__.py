"""Threshold keys of the network: master keys from its seed, keys of canisters derived from them, signatures.

Pure arithmetic: nothing here knows a canister, a round or a price. One process holds what the nodes of a subnet hold
in shares, so nothing is secret from the operator of the network.
"""

from .keys import KEYS, Algorithm, KeyId, MasterKeys, PublicKey, check_key_names, keys_held, keys_of
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
