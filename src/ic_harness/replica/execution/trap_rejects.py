"""The reject of a message that trapped.

Interface specification, "Error codes". The texts are those of DFINITY's replica.
"""

from __future__ import annotations

from ic_harness.replica.execution.interface import Trapped
from ic_harness.replica.state import rejects
from ic_harness.replica.state.replicated_state import Rejected


def trapped(canister: bytes, trap: Trapped) -> Rejected:
    """A message trapped or broke a limit."""
    return rejects.reject(
        trap.error_code, rejects.from_canister(canister, described(trap), trap.advice, trap.anchor)
    )


def described(trap: Trapped) -> str:
    """Why a message trapped, and where if its module has names."""
    if not trap.backtrace:
        return trap.message
    return "\n".join([trap.message, "Canister Backtrace:", *trap.backtrace, ""])
