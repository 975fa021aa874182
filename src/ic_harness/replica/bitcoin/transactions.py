"""Bitcoin transactions: reading and writing them, with and without witnesses (BIP141, BIP144)."""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

from ic_harness.lazy_dataclass import dataclass

from .addresses import double_sha256

OutPoint: TypeAlias = tuple[bytes, int]
"""The id of a transaction, in the order of bytes that hashes have, and the number of its output."""

MAX_MONEY: Final = 21_000_000 * 100_000_000
NOTHING: Final[OutPoint] = (bytes(32), 0xFFFFFFFF)
"""What the input of a coinbase transaction refers to."""
_MAX_BYTES: Final = 4_000_000


class TransactionError(ValueError):
    """Bytes are no transaction."""


@dataclass(frozen=True, slots=True)
class TxIn:
    """An input: what it spends, its script, sequence and witness."""

    spends: OutPoint
    script: bytes = b""
    sequence: int = 0xFFFFFFFF
    witness: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TxOut:
    """An output: its value in satoshi, and the script that guards it."""

    value: int
    script: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction."""

    version: int
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    lock_time: int = 0

    @property
    def has_witness(self) -> bool:
        """Whether an input has a witness."""
        return any(one.witness for one in self.inputs)

    @property
    def is_coinbase(self) -> bool:
        """Whether the transaction makes new coins."""
        return len(self.inputs) == 1 and self.inputs[0].spends == NOTHING

    def encoded(self, *, witness: bool = True) -> bytes:
        """Return the bytes of the transaction."""
        with_witness = witness and self.has_witness
        parts = [struct.pack("<i", self.version), b"\x00\x01" if with_witness else b""]
        parts.append(compact_size(len(self.inputs)))
        for one in self.inputs:
            parts += [one.spends[0], struct.pack("<I", one.spends[1]), _text(one.script)]
            parts.append(struct.pack("<I", one.sequence))
        parts.append(compact_size(len(self.outputs)))
        for output in self.outputs:
            parts += [struct.pack("<q", output.value), _text(output.script)]
        if with_witness:
            for one in self.inputs:
                parts += [compact_size(len(one.witness)), *map(_text, one.witness)]
        parts.append(struct.pack("<I", self.lock_time))
        return b"".join(parts)

    @property
    def id(self) -> bytes:
        """The transaction id: the hash without witnesses. Explorers show its bytes in reverse."""
        return double_sha256(self.encoded(witness=False))

    @property
    def witness_id(self) -> bytes:
        """The hash of the transaction with its witnesses."""
        return double_sha256(self.encoded())

    @property
    def virtual_size(self) -> int:
        """Virtual bytes, by which fees are compared (BIP141)."""
        return (3 * len(self.encoded(witness=False)) + len(self.encoded()) + 3) // 4


def compact_size(number: int) -> bytes:
    """Write a length."""
    if number < 0xFD:
        return bytes([number])
    if number <= 0xFFFF:
        return b"\xfd" + struct.pack("<H", number)
    return b"\xfe" + struct.pack("<I", number)


def _text(content: bytes) -> bytes:
    return compact_size(len(content)) + content


class _Reader:
    """Reads the fields of a transaction."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self.content):
            raise TransactionError("the transaction ends too early")
        taken = self.content[self.position : end]
        self.position = end
        return taken

    def number(self, form: str) -> int:
        found: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found

    def size(self) -> int:
        first = self.number("<B")
        if first < 0xFD:
            return first
        form, least = {0xFD: ("<H", 0xFD), 0xFE: ("<I", 1 << 16), 0xFF: ("<Q", 1 << 32)}[first]
        found = self.number(form)
        if found < least:
            raise TransactionError("a length is not written in its shortest form")
        return found

    def text(self) -> bytes:
        return self.take(self.size())

    def count(self, least_bytes: int) -> int:
        found = self.size()
        if found * least_bytes > len(self.content) - self.position:
            raise TransactionError("the transaction ends too early")
        return found


def parse_transaction(content: bytes) -> Transaction:
    """Read a transaction, all of `content`. Raises `TransactionError`."""
    if len(content) > _MAX_BYTES:
        raise TransactionError(f"a transaction of {len(content)} bytes fits into no block")
    reader = _Reader(content)
    version = reader.number("<i")
    segwit = content[reader.position : reader.position + 2] == b"\x00\x01"
    if segwit:
        reader.take(2)
    inputs = [_input(reader) for _ in range(reader.count(41))]
    outputs = [TxOut(reader.number("<q"), reader.text()) for _ in range(reader.count(9))]
    if segwit:
        inputs = [_witnessed(reader, one) for one in inputs]
        if not any(one.witness for one in inputs):
            raise TransactionError("a transaction in the form for witnesses has none")
    lock_time = reader.number("<I")
    if reader.position != len(content):
        raise TransactionError(f"{len(content) - reader.position} bytes follow the transaction")
    return Transaction(version, tuple(inputs), tuple(outputs), lock_time)


def _input(reader: _Reader) -> TxIn:
    spends = reader.take(32), reader.number("<I")
    return TxIn(spends, reader.text(), reader.number("<I"))


def _witnessed(reader: _Reader, one: TxIn) -> TxIn:
    items = tuple(reader.text() for _ in range(reader.count(1)))
    return TxIn(one.spends, one.script, one.sequence, items)
