"""As much DER as is needed to recognize the kinds of public keys and to unwrap them.

A public key is `SEQUENCE { SEQUENCE { OID, parameters? }, BIT STRING }` (RFC 5280, SubjectPublicKeyInfo).
"""

from __future__ import annotations

from typing import Final

from ic_harness.errors import EnvelopeError

ED25519: Final = "Ed25519"
ECDSA: Final = "ECDSA"
WEBAUTHN: Final = "WebAuthn"
CANISTER: Final = "canister signature"

ALGORITHMS: Final = {
    ED25519: bytes.fromhex("2b6570"),  # 1.3.101.112
    ECDSA: bytes.fromhex("2a8648ce3d0201"),  # 1.2.840.10045.2.1; its parameters name the curve
    WEBAUTHN: bytes.fromhex("2b0601040183b8430101"),  # 1.3.6.1.4.1.56387.1.1
    CANISTER: bytes.fromhex("2b0601040183b8430102"),  # 1.3.6.1.4.1.56387.1.2
}
_BY_OID: Final = {oid: name for name, oid in ALGORITHMS.items()}
ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
ED25519_LENGTH: Final = 44
"""All Ed25519 keys have this length and begin with these bytes (RFC 8410, section 4): no parsing is needed."""

_SEQUENCE, _OID, _BIT_STRING = 0x30, 0x06, 0x03


def algorithm(public_key_der: bytes) -> str:
    """The kind of a public key: one of the names of `ALGORITHMS`. Raises `EnvelopeError`."""
    oid, parameters, _ = _parts(public_key_der)
    name = _BY_OID.get(oid)
    if name is None:
        raise EnvelopeError(f"Invalid public key: unsupported algorithm (object identifier {oid.hex()})")
    if parameters and name != ECDSA:
        raise EnvelopeError(f"Invalid public key: the algorithm {name} has no parameters")
    return name


def wrapped_key(public_key_der: bytes) -> bytes:
    """The bytes inside the BIT STRING. Raises `EnvelopeError`."""
    return _parts(public_key_der)[2]


def wrap_key(name: str, raw: bytes) -> bytes:
    """Write a WebAuthn or canister signature key as DER; these have no parameters."""
    inner = _tlv(_SEQUENCE, _tlv(_OID, ALGORITHMS[name]))
    return _tlv(_SEQUENCE, inner + _tlv(_BIT_STRING, b"\x00" + raw))


def _parts(der: bytes) -> tuple[bytes, bytes, bytes]:
    """The object identifier, what follows it (parameters), and the bytes of the key."""
    outer, end = _read(der, 0, _SEQUENCE)
    if end != len(der):
        raise EnvelopeError("Invalid public key: bytes after the DER structure")
    identifier, after = _read(outer, 0, _SEQUENCE)
    oid, oid_end = _read(identifier, 0, _OID)
    bits, end = _read(outer, after, _BIT_STRING)
    if end != len(outer) or not bits or bits[0] != 0:
        raise EnvelopeError("Invalid public key: malformed BIT STRING")
    return oid, identifier[oid_end:], bits[1:]


def _read(der: bytes, offset: int, tag: int) -> tuple[bytes, int]:
    """Read one element with the given tag: its content and the offset behind it."""
    head = der[offset : offset + 2]
    if len(head) < 2 or head[0] != tag:
        raise EnvelopeError(f"Invalid public key: DER tag {tag:#04x} expected at offset {offset}")
    start, length = offset + 2, head[1]
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[start : start + size], "big")
        start += size
        # DER knows one way to write a length; another one would be a second name for the same key.
        if not 1 <= size <= 4 or length < 0x80 or length >> 8 * (size - 1) == 0:
            raise EnvelopeError("Invalid public key: DER length is not in its shortest form")
    if start + length > len(der):
        raise EnvelopeError("Invalid public key: DER ends too early")
    return der[start : start + length], start + length


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
