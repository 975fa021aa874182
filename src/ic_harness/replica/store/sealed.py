"""A file with one CBOR value with checksums, so that a changed byte is found.

8 bytes   magic "ICHSTATE"
4 bytes   version of the state format, little endian
8 bytes   length of the content, little endian
32 bytes  SHA-256 of all of this and the content
content   CBOR
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import CborError, StateError
from ic_harness.protocol import cbor
from ic_harness.replica.store import files
from ic_harness.replica.store.files import DamagedError

MAGIC: Final = b"ICHSTATE"
VERSION: Final = 2
"""Of the whole state folder. Version 1 had no checksums beside the journal's; see `legacy`."""

_HEAD: Final = struct.Struct("<8sIQ")
_DIGEST: Final = 32


def write(path: Path, value: Any) -> bytes:
    """Write a value as a new file; returns the digest that is in it."""
    content = cbor.encode(value, tagged=False)
    head = _HEAD.pack(MAGIC, VERSION, len(content))
    digest = _digest(head, content)
    files.write_new(path, [head, digest, content])
    return digest


def read(path: Path) -> tuple[Any, bytes]:
    """Read the value and the digest. Raises `DamagedError`, `StateError` for another version."""
    at = _HEAD.size + _DIGEST
    head = files.read_whole(path, at)
    if len(head) < at:
        raise DamagedError(path, f"it ends after {len(head)} bytes, its head alone has {at}")
    magic, version, length = _HEAD.unpack_from(head)
    if magic != MAGIC:
        raise DamagedError(path, f"it begins with {magic.hex()}, not with {MAGIC.hex()}")
    if (found := files.length(path)) != at + length:
        raise DamagedError(path, f"{at + length} bytes expected, it has {found}")
    digest, content = head[_HEAD.size :], memoryview(files.read_whole(path))[at:]
    if digest != _digest(head[: _HEAD.size], content):
        raise DamagedError(path, f"SHA-256 {digest.hex()} expected, the content has another")
    check_version(path, version)
    try:
        return cbor.decode(content), digest
    except CborError as problem:
        raise DamagedError(path, str(problem)) from problem


def check_version(path: Path, found: int) -> None:
    """Raise `StateError` for the format of another program version."""
    if found != VERSION:
        raise StateError(
            f"{path} has version {found} of the state format, this program knows versions 1 and {VERSION}; "
            "open the folder with the version of ic-harness that wrote it, or use another folder"
        )


def _digest(head: bytes, content: bytes | memoryview) -> bytes:
    hasher = hashlib.sha256(head)
    hasher.update(content)
    return hasher.digest()
