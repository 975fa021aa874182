"""Wasm that only reads: queries and ingress filters, which run beside the rounds.

An interrupt stops them with everything else that runs; as they change nothing, they simply run again, unless the
replica stops or their own caller has left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ic_harness.errors import ReplicaError
from ic_harness.replica.execution import Interrupted
from ic_harness.replica.execution.interruption import Interruption

T = TypeVar("T")


class Reading:
    """One request that is answered by reading. `since` belongs into every run of Wasm for it."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption
        self._abandoned = False
        self.since = 0

    def abandon(self) -> None:
        """Stop it: the caller has left."""
        self._abandoned = True
        self._interruption.interrupt()

    def run(self, action: Callable[[Reading], T]) -> T:
        """Run `action` until it was not interrupted. Raises `ReplicaError` when it is not to run any more."""
        while True:
            self.since = self._interruption.interrupts.count
            if self._interruption.closing:
                raise ReplicaError("the replica is closed")
            if self._abandoned:
                raise ReplicaError("the caller of the query has left")
            try:
                return action(self)
            except Interrupted:
                continue
