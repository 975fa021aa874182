"""Threshold keys: public keys and signatures of canisters, and keys derived for their users.

Interface specification, "Method ecdsa_public_key" to "Method vetkd_derive_key". Steps of every method: which key, the
arguments, payment, the reply. What cannot be done is found out before anything is paid. Replies come within the round.
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.threshold import Algorithm, KeyId, MasterKeys, TransportKeyError, keys_held

MAX_PATH: Final = 255
"""Elements of a derivation path."""
HASH_BYTES: Final = 32
TRANSPORT_KEY_BYTES: Final = 48
_SCHNORR: Final = {"bip340secp256k1": Algorithm.BIP340, "ed25519": Algorithm.ED25519}


def ecdsa_public_key(call: Call) -> tuple[dict[str, bytes]]:
    """Return the ECDSA key of a canister (the caller by default) and path."""
    return _public_key(call, _key(call, Algorithm.ECDSA, for_signing=False))


def schnorr_public_key(call: Call) -> tuple[dict[str, bytes]]:
    """Return the Schnorr key of a canister (the caller by default) and path."""
    return _public_key(call, _key(call, _schnorr(call), for_signing=False))


def _public_key(call: Call, key: KeyId) -> tuple[dict[str, bytes]]:
    found = _keys(call).public_key(key, _path(call, _owner(call)))
    return ({"public_key": found.key, "chain_code": found.chain_code},)


def sign_with_ecdsa(call: Call) -> tuple[dict[str, bytes]]:
    """Sign a digest by a key of the caller."""
    key = _key(call, Algorithm.ECDSA, for_signing=True)
    message_hash: bytes = call.argument["message_hash"]
    _check_length("message_hash", message_hash, HASH_BYTES)
    path = _path(call, call.caller)
    _pay(call, key)
    return ({"signature": _keys(call).sign_ecdsa(key, path, message_hash)},)


def sign_with_schnorr(call: Call) -> tuple[dict[str, bytes]]:
    """Sign a message by a key of the caller."""
    key = _key(call, _schnorr(call), for_signing=True)
    path = _path(call, call.caller)
    root = _merkle_root(call.argument["aux"], key.algorithm)
    _pay(call, key)
    return ({"signature": _keys(call).sign_schnorr(key, path, call.argument["message"], root)},)


def vetkd_public_key(call: Call) -> tuple[dict[str, bytes]]:
    """Return the public key of a canister (the caller by default) and context."""
    key = _key(call, Algorithm.VETKD, for_signing=False)
    return ({"public_key": _keys(call).vetkd_public_key(key, _owner(call), call.argument["context"])},)


def vetkd_derive_key(call: Call) -> tuple[dict[str, bytes]]:
    """Derive the key of an input, encrypted to a transport key."""
    argument = call.argument
    key = _key(call, Algorithm.VETKD, for_signing=True)
    transport_key: bytes = argument["transport_public_key"]
    _check_length("transport_public_key", transport_key, TRANSPORT_KEY_BYTES)
    try:
        encrypted = _keys(call).vetkd_derive_key(
            key, call.caller, argument["context"], argument["input"], transport_key=transport_key
        )
    except TransportKeyError:
        raise ManagementReject(refusals.rejected("The provided transport public key is invalid.")) from None
    _pay(call, key)
    return ({"encrypted_key": encrypted},)


def _pay(call: Call, key: KeyId) -> None:
    fee = call.view.subnet.fees.signature(key.name)
    assert fee is not None, "bug: a key without a price"
    call.pay(fee)


# --- which key ------------------------------------------------------------------------------------------------


def _keys(call: Call) -> MasterKeys:
    return MasterKeys(call.view.subnet.network_seed)


def _schnorr(call: Call) -> Algorithm:
    return _SCHNORR[next(iter(call.argument["key_id"]["algorithm"]))]


def _key(call: Call, algorithm: Algorithm, *, for_signing: bool) -> KeyId:
    key = KeyId(algorithm, call.argument["key_id"]["name"])
    known = keys_held(call.view.registry.subnets)
    if key not in known:
        existing = [str(each) for each in known]
        raise ManagementReject(
            refusals.unknown_key(call.request.method, str(key), existing, for_signing=for_signing)
        )
    return key


def _owner(call: Call) -> bytes:
    """The canister whose key is asked for. It need not exist here: keys of any canister can be derived."""
    named = call.argument["canister_id"]
    return call.caller if named is None else bytes(named.raw)


def _path(call: Call, owner: bytes) -> tuple[bytes, ...]:
    path = call.argument["derivation_path"]
    if len(path) > MAX_PATH:
        raise ManagementReject(refusals.too_many_elements(MAX_PATH))
    return owner, *path


# --- arguments ------------------------------------------------------------------------------------------------


def _check_length(name: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise ManagementReject(
            refusals.invalid_argument(f"{name} has {len(data)} bytes, expected {expected}")
        )


def _merkle_root(aux: Any, algorithm: Algorithm) -> bytes | None:
    """The Merkle root of a Taproot output; None when the key is used as it is."""
    if aux is None:
        return None
    name = algorithm.value.partition(":")[2]
    if algorithm is not Algorithm.BIP340:
        raise ManagementReject(refusals.rejected(f"Schnorr algorithm {name} does not support aux input"))
    root: bytes = aux["bip341"]["merkle_root_hash"]
    if len(root) not in (0, HASH_BYTES):
        raise ManagementReject(refusals.rejected(f"Invalid aux field for {name}"))
    return root
