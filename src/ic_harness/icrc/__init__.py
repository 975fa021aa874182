"""Conformance of token ledgers with ICRC-1 and ICRC-2: guarantees, checks, a model, and the suite of the gate.

    ic-harness gate --suite icrc --wasm ledger.wasm --candid ledger.did
    pytest --pyargs ic_harness.icrc.tests --wasm ledger.wasm --candid ledger.did

Importing this loads neither the checks nor the client.
"""

from __future__ import annotations

from typing import Final

from ic_harness.testing.gate import Suite, SuiteEntry

__all__ = ["ENTRY"]


def _load() -> Suite:
    from .suite import LedgerSuite  # lazy: start-up time  # noqa: PLC0415

    return LedgerSuite()


ENTRY: Final = SuiteEntry(
    name="icrc",
    summary="Token ledgers by ICRC-1 and ICRC-2.",
    load=_load,
)
"""How the gate finds the suite."""
