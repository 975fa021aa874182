"""Principals: the identifiers of users, canisters and subnets.

Follows the interface specification, "Principals" and "Textual representation of principals": at most 29
bytes; the text is base32 of CRC-32 and bytes, lower case, in groups of five joined by dashes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from functools import total_ordering
from typing import Any, Final, Self

from ic_harness.errors import PrincipalError

MAX_LENGTH: Final = 29
_SELF_AUTHENTICATING: Final = b"\x02"
ANONYMOUS: Final = b"\x04"
"""The bytes of the anonymous caller."""


@total_ordering
class Principal:
    """An identifier of up to 29 bytes; immutable, hashable, ordered bytewise.

    Raises `PrincipalError` when made from more than 29 bytes.
    """

    __slots__ = {"raw": "The bytes, as they are in Candid and CBOR messages."}
    raw: bytes

    def __init__(self, raw: bytes = b"") -> None:
        raw = bytes(raw)
        if len(raw) > MAX_LENGTH:
            msg = f"a principal has at most {MAX_LENGTH} bytes, got {len(raw)}"
            raise PrincipalError(msg)
        object.__setattr__(self, "raw", raw)

    def __setattr__(self, name: str, value: object) -> None:
        msg = f"a Principal is immutable: cannot set {name!r}"
        raise AttributeError(msg)

    @property
    def is_anonymous(self) -> bool:
        """Whether this is the anonymous caller, `2vxsx-fae`."""
        return self.raw == ANONYMOUS

    @classmethod
    def anonymous(cls) -> Self:
        """The caller of unsigned requests: the single byte 04."""
        return cls(ANONYMOUS)

    @classmethod
    def management(cls) -> Self:
        """The management canister `aaaaa-aa`: no bytes at all."""
        return cls(b"")

    @classmethod
    def self_authenticating(cls, public_key_der: bytes) -> Self:
        """The principal of a public key: SHA-224 of its DER form, then the byte 02."""
        return cls(hashlib.sha224(public_key_der).digest() + _SELF_AUTHENTICATING)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read the textual form; dashes, case and checksum must be exactly as the specification writes them.

        Raises `PrincipalError`.
        """
        compact = text.replace("-", "").upper()
        try:
            decoded = base64.b32decode(compact + "=" * (-len(compact) % 8))
        except (binascii.Error, ValueError):
            msg = f"{text!r} is not a principal: it holds characters that base32 does not have"
            raise PrincipalError(msg) from None
        if len(decoded) < 4:
            msg = f"{text!r} is not a principal: too short for its checksum"
            raise PrincipalError(msg)
        principal = cls(decoded[4:])
        if str(principal) != text:
            msg = (
                f"{text!r} is not a principal: wrong checksum or grouping (did you mean {str(principal)!r}?)"
            )
            raise PrincipalError(msg)
        return principal

    @classmethod
    def of(cls, value: Any) -> Principal:
        """Convert a `Principal`, its text, its bytes, or the principal object of ic-py.

        Raises `PrincipalError` for anything else.
        """
        match value:
            case Principal():
                return value
            case str():
                return cls.from_text(value)
            case bytes() | bytearray() | memoryview():
                return cls(bytes(value))
        raw = getattr(value, "bytes", None)
        if isinstance(raw, bytes):
            return cls(raw)
        msg = f"expected a principal (Principal, text or bytes), got {type(value).__name__}"
        raise PrincipalError(msg)

    def to_text(self) -> str:
        """Return the textual form, for example `rwlgt-iiaaa-aaaaa-aaaaa-cai`."""
        checksum = zlib.crc32(self.raw).to_bytes(4, "big")
        text = base64.b32encode(checksum + self.raw).decode().rstrip("=").lower()
        return "-".join(text[i : i + 5] for i in range(0, len(text), 5))

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"Principal({self.to_text()!r})"

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Principal) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.raw < other.raw if isinstance(other, Principal) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return Principal, (self.raw,)

    # Last in the class, because the name hides the type `bytes` from the annotations below it.
    @property
    def bytes(self) -> Any:
        """The same bytes under the name that ic-py uses."""
        return self.raw
