"""Representation-independent hashing: request ids and everything else that is signed as a map.

Interface specification, "Request id": the hash of a map is the SHA-256 over the sorted pairs of hashed key
and hashed value, so that it does not depend on how the map was written as CBOR. Also here, because they are
part of the same definition: LEB128 numbers and domain separators.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NewType

from ic_harness.errors import EnvelopeError, ProtocolError

_MAX_LEB128: Final = (
    64  # bytes; numbers of the protocol need 19, and reading longer ones takes quadratic time
)

RequestId = NewType("RequestId", bytes)
"""The id of a request, 32 bytes."""

REQUEST_DOMAIN: Final = b"\x0aic-request"
"""Goes before a request id when a request is signed."""


def domain(name: bytes) -> bytes:
    r"""Make a domain separator: one length byte, then the name.

    `domain(b"ic-request") == b"\x0aic-request"`.
    """
    return bytes((len(name),)) + name


def leb128_encode(number: int) -> bytes:
    """Write a natural number as shortest unsigned LEB128. Raises `ProtocolError` when it is negative."""
    if number < 0:
        raise ProtocolError(f"unsigned LEB128 cannot hold {number}")
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def leb128_decode(data: bytes) -> int:
    """Read an unsigned LEB128 number that fills `data` exactly. Raises `ProtocolError` when it does not."""
    number = 0
    for index, byte in enumerate(data[:_MAX_LEB128]):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if index + 1 != len(data):
                break
            return number
    raise ProtocolError(f"{data[:20].hex()} is no unsigned LEB128 number")


def _negative_leb128(number: int) -> bytes:
    """Write a negative number as shortest signed LEB128."""
    out = bytearray()
    while number < -0x40:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number & 0x7F)
    return bytes(out)


def _hash_value(value: Any) -> bytes:
    match value:
        case bytes() | bytearray() | memoryview():
            return sha256(value).digest()
        case str():
            return sha256(value.encode()).digest()
        case int() if not isinstance(value, bool):
            return sha256(leb128_encode(value) if value >= 0 else _negative_leb128(value)).digest()
        case Mapping():
            return hash_of_map(value)
        case list() | tuple():
            return sha256(b"".join(map(_hash_value, value))).digest()
    raise EnvelopeError(f"a {type(value).__name__} has no representation-independent hash")


_FIELD_HASHES: Final = {
    name: sha256(name.encode()).digest()
    for name in (
        "arg", "canister_id", "ingress_expiry", "method_name", "nonce", "paths", "request_type", "sender",
    )
}  # fmt: skip
"""Hashes of the names that nearly all requests consist of. No cache: others choose the rest, of any length."""


def _hash_key(name: Any) -> bytes:
    if not isinstance(name, str):
        raise EnvelopeError(
            f"a map with a {type(name).__name__} as key has no representation-independent hash"
        )
    return sha256(name.encode()).digest()


def hash_of_map(fields: Mapping[str, Any]) -> bytes:
    """Hash a map of texts to texts, byte strings, numbers, arrays and maps; 32 bytes.

    A field whose value is None counts as absent. Raises `EnvelopeError` for keys and values of other types.
    """
    pairs = []
    for name, value in fields.items():
        kind = type(value)
        if kind is bytes:
            hashed = sha256(value).digest()
        elif kind is str:
            hashed = sha256(value.encode()).digest()
        elif value is None:
            continue
        else:
            hashed = _hash_value(value)
        pairs.append((_FIELD_HASHES.get(name) or _hash_key(name)) + hashed)
    pairs.sort()
    return sha256(b"".join(pairs)).digest()


def request_id(content: Mapping[str, Any]) -> RequestId:
    """The id of a request: the hash of its content map, of all fields actually sent; 32 bytes."""
    return RequestId(hash_of_map(content))
