"""Locators of blobs: exactly `blob_<u64 decimal>`, and the storage location `icp://blob/blob_<u64 decimal>`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from ic_harness.errors import LocatorError

_PREFIX: Final = "blob_"
_SCHEME: Final = "icp://blob/"
_MAX: Final = 2**64 - 1
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_FORM: Final = "expected blob_<number below 2^64>"


@dataclass(frozen=True, slots=True, order=True)
class BlobLocator:
    """The name of a blob on its canister; `number` is 0 to 2^64 - 1. Raises `LocatorError` for other numbers."""

    number: int

    def __post_init__(self) -> None:
        if not 0 <= self.number <= _MAX:
            raise LocatorError(f"a blob's number is 0 to 2^64 - 1, got {self.number}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `blob_<u64>`; raises `LocatorError` for any other text."""
        if not text.startswith(_PREFIX):
            raise LocatorError(f"{text!r} is no locator of a blob: {_FORM}{_hint(text)}")
        digits = text.removeprefix(_PREFIX)
        if not _DIGITS.fullmatch(digits):
            raise LocatorError(f"{text!r} is no locator: there is no number after blob_; {_FORM}")
        if digits != "0" and digits.startswith("0"):
            raise LocatorError(f"{text!r} is no locator: the number has leading zeros; {_FORM}")
        if len(digits) > 20 or int(digits) > _MAX:
            raise LocatorError(f"{text!r} is no locator: the number is too large; {_FORM}")
        return cls(int(digits))

    @classmethod
    def parse_storage_location(cls, text: str) -> Self:
        """Parse `icp://blob/blob_<u64>`, the form of `UploadFinishResult.storage_location`.

        Raises `LocatorError`.
        """
        if not text.startswith(_SCHEME):
            raise LocatorError(f"{text!r} is no storage location: expected {_SCHEME}blob_<number below 2^64>")
        return cls.parse(text.removeprefix(_SCHEME))

    @property
    def storage_location(self) -> str:
        """Where the blob is stored: `icp://blob/blob_<u64>`."""
        return f"{_SCHEME}{self}"

    def __str__(self) -> str:
        return f"{_PREFIX}{self.number}"


def blob_of_session(session: int) -> BlobLocator:
    """Return the blob that finish creates from a session, on deployed backends of generations B to H.

    There the number is the first eight bytes of SHA-256("#", session as u64 little endian), so it is known even when
    the reply of finish is lost. The reference backend's numbers cannot be computed.
    """
    digest = hashlib.sha256(b"#" + session.to_bytes(8, "little")).digest()
    return BlobLocator(int.from_bytes(digest[:8], "big"))


def _hint(text: str) -> str:
    if text.startswith(_SCHEME):
        return f" (this is a storage location; the locator in it is {text.removeprefix(_SCHEME)})"
    if text.startswith("inline_"):
        return " (inline assets are read with their memory)"
    if text.startswith("external_"):
        return " (external assets are not stored on the canister)"
    return ""
