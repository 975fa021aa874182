"""One Bitcoin network in memory: a chain of blocks, its unspent outputs, and transactions that wait for a block.

Inputs must exist and be unspent, coinbase outputs have matured for a hundred blocks, and no more goes out than comes
in. Scripts and signatures are not executed, and there are no forks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ic_harness.lazy_dataclass import dataclass

from .addresses import Network, script_of
from .blocks import Block, make_coinbase, mine
from .transactions import MAX_MONEY, OutPoint, Transaction, TxOut

SUBSIDY: Final = 50 * 100_000_000
"""Satoshi of a block's reward, before it is halved."""
HALVING: Final = {Network.REGTEST: 150}
"""Blocks after which the reward is halved; 210,000 where nothing is said."""
MATURITY: Final = 100
"""Blocks after which a coinbase output can be spent."""
RECENT: Final = 10_000
"""Transactions over which fee percentiles are taken."""


class RefusedError(ValueError):
    """A transaction is not valid on this chain."""


@dataclass(frozen=True, slots=True)
class Utxo:
    """An unspent output and the height of its block."""

    outpoint: OutPoint
    value: int
    script: bytes
    height: int
    coinbase: bool


class Chain:
    """The chain of one network. `mempool` are transactions that wait for a block, by id."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.blocks: list[Block] = []
        self.mempool: dict[bytes, Transaction] = {}
        self._unspent: dict[OutPoint, Utxo] = {}
        self._fees: list[int] = []
        self._append(b"\x6a", 0, bytes(32))

    # --- blocks -----------------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        """The height of the newest block; the first one has 0."""
        return len(self.blocks) - 1

    def mine(self, address: str, blocks: int = 1, *, time_s: int = 0) -> list[bytes]:
        """Append blocks whose reward goes to an address; the first takes all transactions that wait.

        Returns the hashes of the blocks. Raises `AddressError`.
        """
        script = script_of(address, self.network)
        return [self._append(script, time_s, self.blocks[-1].hash) for _ in range(blocks)]

    def _append(self, script: bytes, time_s: int, previous: bytes) -> bytes:
        height = len(self.blocks)
        waiting = list(self.mempool.values())
        fees = [self._fee(one) for one in waiting]
        halvings = height // HALVING.get(self.network, 210_000)
        reward = (SUBSIDY >> halvings if halvings < 64 else 0) + sum(fees)
        # Not before the previous one, so that times never go back.
        previous_time = int.from_bytes(self.blocks[-1].header[68:72], "little") if self.blocks else 0
        time = min(max(time_s, previous_time), 0xFFFFFFFF)
        block = mine(previous, [make_coinbase(height, script, reward, waiting), *waiting], time)
        self.blocks.append(block)
        self.mempool.clear()
        for one in block.transactions:
            self._apply(one, height)
        rates = [1000 * fee // one.virtual_size for fee, one in zip(fees, waiting, strict=True)]
        self._fees = (self._fees + rates)[-RECENT:]
        return block.hash

    def _apply(self, transaction: Transaction, height: int) -> None:
        if not transaction.is_coinbase:
            for one in transaction.inputs:
                del self._unspent[one.spends]
        identifier = transaction.id
        for number, output in enumerate(transaction.outputs):
            if not output.script.startswith(b"\x6a"):  # OP_RETURN: it cannot be spent
                point = identifier, number
                self._unspent[point] = Utxo(
                    point, output.value, output.script, height, transaction.is_coinbase
                )

    # --- transactions -----------------------------------------------------------------------------------------

    def send(self, transaction: Transaction) -> bytes:
        """Let a transaction wait for the next block; returns its id. Raises `RefusedError`."""
        identifier = transaction.id
        if identifier in self.mempool:
            return identifier
        self._check(transaction)
        self.mempool[identifier] = transaction
        return identifier

    def _check(self, transaction: Transaction) -> None:
        if transaction.is_coinbase or not transaction.inputs or not transaction.outputs:
            raise RefusedError("a transaction has inputs and outputs, and only blocks have a coinbase")
        spent = [one.spends for one in transaction.inputs]
        if len(set(spent)) < len(spent):
            raise RefusedError("the transaction spends an output twice")
        taken = {one.spends for other in self.mempool.values() for one in other.inputs}
        for point in spent:
            if point in taken:
                raise RefusedError(f"{_shown(point)} is spent by a transaction that waits for a block")
            known = self._unspent.get(point)
            if known is not None and known.coinbase and self.height + 1 - known.height < MATURITY:
                raise RefusedError(f"{_shown(point)} is a coinbase output of less than {MATURITY} blocks")
        if any(not 0 <= output.value <= MAX_MONEY for output in transaction.outputs):
            raise RefusedError("the value of an output is out of range")
        if self._fee(transaction) < 0:
            raise RefusedError("more goes out of the transaction than comes in")

    def _fee(self, transaction: Transaction) -> int:
        """Return what is left of the inputs. Raises `RefusedError` for an input that is missing or spent."""
        coming = sum(self._output(one.spends).value for one in transaction.inputs)
        return coming - sum(output.value for output in transaction.outputs)

    def _output(self, point: OutPoint) -> TxOut:
        known = self._unspent.get(point)
        if known is not None:
            return TxOut(known.value, known.script)
        waiting = self.mempool.get(point[0])
        if waiting is not None and point[1] < len(waiting.outputs):
            return waiting.outputs[point[1]]
        raise RefusedError(f"{_shown(point)} does not exist, or is spent")

    # --- what can be learned ----------------------------------------------------------------------------------

    def utxos(self, address: str, min_confirmations: int = 0, *, tip: int | None = None) -> list[Utxo]:
        """Return the unspent outputs of an address in blocks, the newest first. Raises `AddressError`.

        With `tip` only those up to this height.
        """
        script = script_of(address, self.network)
        highest = self.height + 1 - max(min_confirmations, 1)
        if tip is not None:
            highest = min(highest, tip)
        return sorted(
            (one for one in self._unspent.values() if one.script == script and one.height <= highest),
            key=lambda one: (-one.height, one.outpoint),
        )

    def fee_percentiles(self) -> list[int]:
        """Return 101 percentiles of the fees of recent transactions, in millisatoshi by virtual byte.

        Without such transactions the list is empty.
        """
        if not self._fees:
            return []
        ordered = sorted(self._fees)
        return [ordered[max(0, -(-percent * len(ordered) // 100) - 1)] for percent in range(101)]

    def headers(self, first: int, last: int) -> Iterator[bytes]:
        """Return the headers of blocks, both ends included."""
        return (block.header for block in self.blocks[first : last + 1])

    def height_of(self, block_hash: bytes) -> int | None:
        """Return the height of a block, None when it is not in the chain."""
        found = [height for height, block in enumerate(self.blocks) if block.hash == block_hash]
        return found[0] if found else None

    def copy(self) -> Chain:
        """Return an independent copy; blocks and transactions, which never change, are shared."""
        other = Chain.__new__(Chain)
        other.network = self.network
        other.blocks, other.mempool = list(self.blocks), dict(self.mempool)
        other._unspent, other._fees = dict(self._unspent), list(self._fees)  # noqa: SLF001 - a copy of this class
        return other


def _shown(point: OutPoint) -> str:
    return f"{point[0][::-1].hex()}:{point[1]}"
