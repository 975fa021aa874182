"""What a test does with the Bitcoin networks of a replica: mines, looks, sends.

network.bitcoin.mine(address, 101)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.bitcoin import Chain, Network, Transaction, Utxo, parse_transaction
from ic_harness.replica.rounds.node import Node
from ic_harness.units import SECOND

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bitcoin:
    """One Bitcoin network.

    Amounts are in satoshi. Hashes of blocks and ids of transactions are hexadecimal texts as explorers show them.
    """

    node: Node
    network: Network = Network.REGTEST

    def on(self, network: str) -> Bitcoin:
        """Return another network: `regtest`, `testnet` or `mainnet`. Raises `ValueError` for other names."""
        return Bitcoin(self.node, Network(network))

    def mine(self, address: str, blocks: int = 1) -> list[str]:
        """Append blocks whose reward goes to `address`; the first one takes all transactions that wait.

        Returns their hashes. A reward can be spent after a hundred blocks. Raises `AddressError`.
        """
        time_s = self.node.clock.now_ns() // SECOND
        found = self._ask(lambda chain: chain.mine(address, blocks, time_s=time_s))
        return [block[::-1].hex() for block in found]

    @property
    def height(self) -> int:
        """The height of the newest block."""
        return self._ask(lambda chain: chain.height)

    def balance(self, address: str, min_confirmations: int = 0) -> int:
        """Return what an address has in blocks. Raises `AddressError`."""
        return sum(one.value for one in self.utxos(address, min_confirmations))

    def utxos(self, address: str, min_confirmations: int = 0) -> list[Utxo]:
        """Return the unspent outputs of an address, the newest first. Raises `AddressError`."""
        return self._ask(lambda chain: chain.utxos(address, min_confirmations))

    def send(self, transaction: bytes) -> str:
        """Let a transaction wait for the next block; returns its id.

        Raises `TransactionError` for bytes that are none, `RefusedError` for one that is not valid.
        """
        parsed = parse_transaction(transaction)
        return self._ask(lambda chain: chain.send(parsed))[::-1].hex()

    @property
    def waiting(self) -> list[Transaction]:
        """The transactions that wait for a block."""
        return self._ask(lambda chain: list(chain.mempool.values()))

    @property
    def refused(self) -> list[str]:
        """Why transactions that canisters sent were not valid, in order; the canister is not told."""
        scheduler = self.node.scheduler
        return self.node.runner.call(
            lambda: [why for network, _, why in scheduler.bitcoin.refused if network is self.network]
        )

    def _ask(self, question: Callable[[Chain], T]) -> T:
        """Ask on the thread that owns the state."""
        return self.node.runner.call(lambda: question(self.node.scheduler.bitcoin[self.network]))
