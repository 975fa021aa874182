"""Blocks: headers of 80 bytes that chain, merkle roots, coinbase transactions with the commitment to witnesses."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .addresses import double_sha256
from .transactions import NOTHING, Transaction, TxIn, TxOut

BITS: Final = 0x207FFFFF
"""The difficulty of regtest: every second hash is a block."""
TARGET: Final = 0x7FFFFF << 8 * (0x20 - 3)
_VERSION: Final = 0x20000000
_COMMITMENT: Final = b"\x6a\x24\xaa\x21\xa9\xed"
"""OP_RETURN and the mark of the commitment to the witnesses of a block (BIP141)."""
_RESERVED: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its header in 80 bytes, and its transactions, the coinbase first."""

    header: bytes
    transactions: tuple[Transaction, ...]

    @property
    def hash(self) -> bytes:
        """The hash of the header. Explorers show its bytes in reverse."""
        return double_sha256(self.header)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of transactions; the last one of an odd level counts twice."""
    level = list(hashes)
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        level = [double_sha256(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


def make_coinbase(height: int, script: bytes, value: int, others: Sequence[Transaction]) -> Transaction:
    """Make the transaction that pays a block's reward; it begins with the height (BIP34)."""
    length = (height.bit_length() + 8) // 8
    begin = bytes([length]) + height.to_bytes(length, "little") + b"\x00"
    outputs = [TxOut(value, script)]
    witness: tuple[bytes, ...] = ()
    if any(other.has_witness for other in others):
        root = merkle_root([bytes(32), *(other.witness_id for other in others)])
        outputs.append(TxOut(0, _COMMITMENT + double_sha256(root + _RESERVED)))
        witness = (_RESERVED,)
    return Transaction(2, (TxIn(NOTHING, begin, witness=witness),), tuple(outputs))


def mine(previous: bytes, transactions: Sequence[Transaction], time_s: int) -> Block:
    """Find the nonce of a block that follows `previous`, the hash of a block."""
    root = merkle_root([one.id for one in transactions])
    start = struct.pack("<i", _VERSION) + previous + root + struct.pack("<II", time_s, BITS)
    nonce = 0
    while True:
        block = Block(start + struct.pack("<I", nonce), tuple(transactions))
        if int.from_bytes(block.hash, "little") <= TARGET:
            return block
        nonce += 1
