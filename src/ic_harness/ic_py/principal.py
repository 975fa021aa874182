"""Principals and ledger accounts under ic-py's names."""

from __future__ import annotations

import builtins
import hashlib
import zlib
from typing import Any

from ic_harness import principal


class Principal(principal.Principal):
    """A principal of this package with ic-py's names as well; the two are equal when their bytes are."""

    __slots__ = ()

    def __init__(self, bytes: builtins.bytes = b"") -> None:  # noqa: A002 - ic-py's name
        super().__init__(bytes)

    @classmethod
    def management_canister(cls) -> Principal:
        """The management canister, `aaaaa-aa`."""
        return cls()

    @classmethod
    def from_str(cls, s: str) -> Principal:
        """Read the textual form. Raises `PrincipalError`."""
        return cls(principal.Principal.from_text(s).raw)

    @classmethod
    def from_hex(cls, s: str) -> Principal:
        """Read hexadecimal bytes. Raises `ValueError`."""
        return cls(builtins.bytes.fromhex(s))

    def to_str(self) -> str:
        """The textual form."""
        return self.to_text()

    def to_account_id(self, sub_account: int = 0) -> AccountIdentifier:
        """The account of this principal in the ICP ledger."""
        return AccountIdentifier.new(self, sub_account)

    @property
    def len(self) -> int:
        """How many bytes it has."""
        return len(self.raw)

    @property
    def hex(self) -> str:
        """The bytes in upper case hexadecimal."""
        return self.raw.hex().upper()

    def __reduce__(self) -> tuple[Any, ...]:
        return Principal, (self.raw,)


class AccountIdentifier:
    """An account of the ICP ledger: CRC-32 and SHA-224 of owner and subaccount, 32 bytes.

    Raises `ValueError` for another length.
    """

    def __init__(self, hash: builtins.bytes) -> None:  # noqa: A002 - ic-py's name
        if len(hash) != 32:
            raise ValueError(f"an account identifier has 32 bytes, got {len(hash)}")
        self.bytes = hash

    @classmethod
    def new(cls, principal: Any, sub_account: int = 0) -> AccountIdentifier:
        """The account of an owner (a principal of ours or of ic-py) and the number of a subaccount."""
        seed = b"\x0aaccount-id" + principal.bytes + sub_account.to_bytes(32, "big")
        digest = hashlib.sha224(seed).digest()
        return cls(zlib.crc32(digest).to_bytes(4, "big") + digest)

    def to_str(self) -> str:
        """The hexadecimal form that ic-py writes."""
        return "0x" + self.bytes.hex()

    def __str__(self) -> str:
        return self.to_str()

    def __repr__(self) -> str:
        return f"Account({self.to_str()})"
