"""Bitcoin networks in memory: addresses, transactions, blocks and chains. Knows nothing of canisters."""

from __future__ import annotations

from .addresses import AddressError, Network, script_of
from .chain import Chain, RefusedError, Utxo
from .chains import Chains
from .transactions import Transaction, TransactionError, parse_transaction

__all__ = [
    "AddressError",
    "Chain",
    "Chains",
    "Network",
    "RefusedError",
    "Transaction",
    "TransactionError",
    "Utxo",
    "parse_transaction",
    "script_of",
]
