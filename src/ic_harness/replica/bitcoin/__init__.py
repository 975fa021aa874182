"""Bitcoin networks in memory: addresses, transactions, blocks and chains. Knows nothing of canisters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ic_harness.lazy_names import lazy_names

from .chains import Chains

if TYPE_CHECKING:
    from .addresses import AddressError, Network, script_of
    from .chain import Chain, RefusedError, Utxo
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

_LAZY = (
    dict.fromkeys(("AddressError", "Network", "script_of"), ".addresses")
    | dict.fromkeys(("Chain", "RefusedError", "Utxo"), ".chain")
    | dict.fromkeys(("Transaction", "TransactionError", "parse_transaction"), ".transactions")
)

__getattr__ = lazy_names(__name__, _LAZY)
