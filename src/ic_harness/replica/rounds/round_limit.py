"""A limit of rounds, which a test may set, so that canisters that never come to rest end it with an error.

Rounds count in which a canister executed something: those that only certify the time depend on the real clock.
"""

from __future__ import annotations

from typing import Final

from ic_harness.errors import InputError, ReplicaError
from ic_harness.replica.state.delta import StateDelta
from ic_harness.replica.state.rejects import name
from ic_harness.text import brief

_MOST: Final = 1_000_000_000


class RoundLimitError(ReplicaError):
    """The rounds that a test allowed are used up; raised to callers in this process, never answered as HTTP."""


class RoundLimit:
    """At most `most` rounds, None for any number; counts them. Used by the owner of the state."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._ran = 0

    def exceeded(self, changes: StateDelta) -> RoundLimitError | None:
        """Count a round; return the error of a round beyond the limit."""
        if self.most is None or not changes.measures:
            return None
        self._ran += 1
        if self._ran <= self.most:
            return None
        canister_id, cost = changes.measures[-1]
        return RoundLimitError(
            f"the limit of {self.most:,} rounds is used up: canisters executed in {self._ran:,} rounds, the last "
            f"message was {cost.what} of {name(canister_id)}"
        )


def check_rounds(limit: object) -> None:
    """Raise `InputError` unless `limit` is None or a number of rounds."""
    if limit is not None and not (type(limit) is int and 1 <= limit <= _MOST):
        raise InputError(f"a limit of rounds is a whole number, 1 to {_MOST:,}, not {brief(limit)}")
