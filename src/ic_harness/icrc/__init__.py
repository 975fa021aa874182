"""Conformance of token ledgers with ICRC-1 and ICRC-2: guarantees, checks, a model, and the suite of the gate.

    ic-harness gate --suite icrc --wasm ledger.wasm --candid ledger.did
    pytest --pyargs ic_harness.icrc.tests --wasm ledger.wasm --candid ledger.did

Importing this loads neither the checks nor the client.
"""

from __future__ import annotations

from typing import Final

from ic_harness.candid import Service
from ic_harness.testing.gate import Suite, SuiteEntry

__all__ = ["ENTRY"]

_METHODS: Final = frozenset({"icrc1_transfer", "icrc1_balance_of", "icrc1_fee", "icrc1_total_supply"})


def _matches(service: Service) -> bool:
    return set(service.methods) >= _METHODS


def _load() -> Suite:
    from .suite import LedgerSuite  # lazy: start-up time  # noqa: PLC0415

    return LedgerSuite()


ENTRY: Final = SuiteEntry(
    name="icrc",
    summary="Token ledgers by ICRC-1 and ICRC-2.",
    matches=_matches,
    load=_load,
)
"""How the gate finds the suite."""
