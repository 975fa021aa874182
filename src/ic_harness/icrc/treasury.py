"""Finds the identity that funds the accounts of checks: the minting account's owner, or one with tokens."""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from ._generated import Account, LedgerClient
from .assertions import UnmetError


def find_treasury(network: Network, canister_id: Principal, candidates: Sequence[Identity]) -> Identity:
    """Return the candidate that owns the minting account, else the one with the most tokens.

    Raises `UnmetError`, with the principals that would do, when no candidate has tokens.
    """
    ledger = LedgerClient(network.agent(), canister_id)
    minting = ledger.icrc1_minting_account()
    for identity in candidates:
        if minting is not None and minting.owner == identity.principal:
            return identity
    balances = [ledger.icrc1_balance_of(Account(owner=identity.principal)) for identity in candidates]
    if not any(balances):
        known = " or ".join(str(identity.principal) for identity in candidates)
        raise UnmetError(
            "the suite has no tokens to work with: install the ledger with the minting account, or a balance, "
            f"of {known}"
        )
    return candidates[balances.index(max(balances))]
