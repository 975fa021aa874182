"""The checks: functions of a context, which return, or raise their violations.

They raise `BrokenError` (the ledger broke the guarantee), `NotApplicableError` (the ledger cannot express it) or
`UnmetError` (the network, or what the suite was given, lacks what the check needs). No check needs pytest.
"""

from ic_harness.icrc.checks import (
    anonymous,
    approve,
    conservation,
    dedup,
    metadata,
    supply,
    transfer,
    transfer_from,
    upgrade,
)
from ic_harness.icrc.checks.registry import CHECKS, Check

__all__ = [
    "CHECKS",
    "Check",
    "anonymous",
    "approve",
    "conservation",
    "dedup",
    "metadata",
    "supply",
    "transfer",
    "transfer_from",
    "upgrade",
]
