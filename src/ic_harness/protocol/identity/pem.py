"""Identities in PEM files, as dfx, icp-cli, quill and OpenSSL write them.

Read are PKCS#8 (with and without passphrase), SEC1 (`EC PRIVATE KEY`, also with the `EC PARAMETERS` block
that dfx and OpenSSL put before it) and version 2 of PKCS#8: of Ed25519 keys, which older dfx and ring wrote, and of
secp256k1 keys, which ic-py writes.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import field
from pathlib import Path
from typing import Final

from ic_harness.errors import IdentityError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.identity.ed25519 import Ed25519Identity

_BEGIN: Final = re.compile(rb"-----BEGIN ((?:ENCRYPTED |EC )?PRIVATE KEY)-----\s")
# PKCS#8 version 1 (RFC 8410, section 7): the seed is the rest.
_PKCS8_ED25519: Final = bytes.fromhex("302e020100300506032b657004220420")
# PKCS#8 version 2 (RFC 8410, section 10.3): version 1, Ed25519, then the 32 byte seed; the public key
# follows.
_PKCS8_V2_ED25519: Final = bytes.fromhex("020101300506032b657004220420")
# The same for secp256k1: version 2, then 16 bytes of algorithm that begin with id-ecPublicKey (RFC 5480).
_PKCS8_V2_SECP256K1: Final = bytes.fromhex("02010130100607" + "2a8648ce3d0201")
_HEADER: Final = range(2, 5)
"""How many bytes the DER header of a private key may have."""
_MAX_SIZE: Final = 64 * 1024


def load_pem(source: bytes | Path, passphrase: str | bytes | None = None) -> Identity:
    """Read an identity from the first 64 KiB of a PEM text or file.

    Raises `IdentityError`, whose text never holds anything of the key, when there is no private key, the
    passphrase is missing or wrong, or the kind of key is not supported.
    """
    data = read_file(source) if isinstance(source, Path) else source
    where = f" in {source}" if isinstance(source, Path) else ""
    block = _find_block(data[:_MAX_SIZE])
    if block is None:
        raise IdentityError(f"no private key in PEM form{where} (expected -----BEGIN PRIVATE KEY-----)")
    secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    encrypted = block.kind.startswith(b"ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in block.body
    if encrypted and not secret:
        raise IdentityError(f"the private key{where} is encrypted: a passphrase is needed")
    seed = None if encrypted else _ed25519_seed(_der(block.body))
    if seed is not None:
        return Ed25519Identity.from_seed(seed)
    from ic_harness.protocol.identity.pem_keys import load_key  # lazy: 15 ms  # noqa: PLC0415

    older = None if encrypted else _as_version_1(block.body)
    return load_key(block.whole, older, secret if encrypted else None, where)


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of a PEM text: its kind such as `EC PRIVATE KEY`, its content, and its whole text."""

    kind: bytes
    body: bytes = field(repr=False)
    whole: bytes = field(repr=False)


def _find_block(data: bytes) -> _Block | None:
    """The first private key of a PEM text. One pass: a search by one expression takes time quadratic in the text."""
    begin = _BEGIN.search(data)
    if begin is None:
        return None
    mark = b"-----END " + begin[1] + b"-----"
    end = data.find(mark, begin.end())
    if end < 0:
        return None
    return _Block(begin[1], data[begin.end() : end], data[begin.start() : end + len(mark)])


def read_file(path: Path) -> bytes:
    """Read a small file of an identity. Raises `IdentityError`."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_SIZE)
    except OSError as problem:
        raise IdentityError(f"cannot read the identity {path}: {problem.strerror or problem}") from None


def _der(body: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        return b""


def _as_version_1(body: bytes) -> bytes | None:
    """Version 1 of a PKCS#8 key of version 2 for secp256k1, as ic-py writes it; None for everything else."""
    der = _der(body)
    start = der.find(_PKCS8_V2_SECP256K1)
    if start not in _HEADER:
        return None
    return der[:start] + b"\x02\x01\x00" + der[start + 3 :]


def _ed25519_seed(der: bytes) -> bytes | None:
    """The seed in a PKCS#8 key for Ed25519 without a passphrase; None for everything else."""
    if der.startswith(_PKCS8_ED25519) and len(der) == len(_PKCS8_ED25519) + 32:
        return der[-32:]
    start = der.find(_PKCS8_V2_ED25519)
    seed = der[start + len(_PKCS8_V2_ED25519) :][:32]
    return seed if start in _HEADER and len(seed) == 32 else None


def dump_pem(identity: Identity, passphrase: str | bytes | None = None) -> bytes:
    """Write the secret of an identity as PKCS#8 PEM, encrypted when a passphrase is given.

    Raises `IdentityError` for identities that have no key of their own.
    """
    from ic_harness.protocol.identity.pem_keys import dump_key  # lazy: 15 ms  # noqa: PLC0415

    return dump_key(identity, passphrase.encode() if isinstance(passphrase, str) else passphrase)
