"""Bitcoin addresses: base58check, bech32 (BIP173) and bech32m (BIP350), and the scripts that they stand for."""

from __future__ import annotations

import enum
import hashlib
from typing import Final

from ic_harness.lazy_dataclass import dataclass

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CONSTANTS: Final = {1: "bech32", 0x2BC830A3: "bech32m"}
_CHECKSUM: Final = 6
_LONGEST: Final = 90


class AddressError(ValueError):
    """A text is no address of the network."""


class Network(enum.Enum):
    """A Bitcoin network; the values are those of the management canister's interface."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    REGTEST = "regtest"


@dataclass(frozen=True, slots=True)
class _Form:
    """How addresses of a network begin: the bytes of P2PKH and P2SH, and the part before bech32's 1."""

    key_hash: int
    script_hash: int
    prefix: str


_FORMS: Final = {
    Network.MAINNET: _Form(0x00, 0x05, "bc"),
    Network.TESTNET: _Form(0x6F, 0xC4, "tb"),
    Network.REGTEST: _Form(0x6F, 0xC4, "bcrt"),
}


def script_of(address: str, network: Network) -> bytes:
    """Return the scriptPubKey of an address. Raises `AddressError` when it is none of the network."""
    form = _FORMS[network]
    if address.lower().startswith(f"{form.prefix}1"):
        version, program = decode_segwit(form.prefix, address)
        return bytes([0x50 + version if version else 0, len(program)]) + program
    kind, payload = _decode_base58(address)
    if kind == form.key_hash:
        return b"\x76\xa9\x14" + payload + b"\x88\xac"
    if kind == form.script_hash:
        return b"\xa9\x14" + payload + b"\x87"
    raise AddressError(f"the address belongs to another network than {network.value}")


# --- base58check --------------------------------------------------------------------------------------------


def _decode_base58(address: str) -> tuple[int, bytes]:
    """Return the version byte and the 20 bytes of a base58check address. Raises `AddressError`."""
    if not 26 <= len(address) <= 35:
        raise AddressError("no address has this length")
    number = 0
    for letter in address:
        digit = _BASE58.find(letter)
        if digit < 0:
            raise AddressError("a base58 address has another letter")
        number = number * 58 + digit
    zeros = len(address) - len(address.lstrip("1"))
    whole = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = whole[:-4], whole[-4:]
    if len(whole) != 25 or double_sha256(payload)[:4] != checksum:
        raise AddressError("the checksum of the address is wrong")
    return payload[0], payload[1:]


def double_sha256(content: bytes) -> bytes:
    """Return the SHA-256 of the SHA-256."""
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()


# --- bech32 -------------------------------------------------------------------------------------------------


def decode_bech32(text: str) -> tuple[str, list[int], str]:
    """Return prefix, groups of five bits, and `bech32` or `bech32m`. Raises `AddressError`."""
    if text.lower() != text and text.upper() != text:
        raise AddressError("upper and lower case are mixed")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM or len(text) > _LONGEST:
        raise AddressError("prefix, separator or checksum are missing, or it is too long")
    if any(not 33 <= ord(letter) <= 126 for letter in prefix):
        raise AddressError("the prefix has letters that cannot be printed")
    groups = [_BECH32.find(letter) for letter in rest]
    if min(groups) < 0:
        raise AddressError("a bech32 address has another letter")
    codes = list(map(ord, prefix))
    constant = _polymod([code >> 5 for code in codes] + [0] + [code & 31 for code in codes] + groups)
    if constant not in _CONSTANTS:
        raise AddressError("the checksum of the address is wrong")
    return prefix, groups[:-_CHECKSUM], _CONSTANTS[constant]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum


def decode_segwit(prefix: str, address: str) -> tuple[int, bytes]:
    """Return version and program of a segregated witness address. Raises `AddressError`."""
    found, groups, encoding = decode_bech32(address)
    if found != prefix or not groups:
        raise AddressError(f"the address does not begin with {prefix}1 and a version")
    version, program = groups[0], _bytes_of(groups[1:])
    if version > 16 or not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise AddressError("the witness program has a wrong version or length")
    if encoding != ("bech32m" if version else "bech32"):
        raise AddressError("version 0 needs bech32, later ones bech32m")
    return version, program


def _bytes_of(groups: list[int]) -> bytes:
    """Join groups of five bits to bytes; less than five bits are left, all zero. Raises `AddressError`."""
    number = 0
    for group in groups:
        number = number << 5 | group
    spare = len(groups) * 5 % 8
    if spare >= 5 or number & (1 << spare) - 1:
        raise AddressError("the padding of the address is wrong")
    return (number >> spare).to_bytes(len(groups) * 5 // 8, "big")
