"""Why running messages are interrupted, and what happens to them then.

Three things interrupt Wasm: the replica closes, a command that replaces the state must not wait for the round
(`pausing`), or a caller was interrupted while it waited for its call (`abandoned`). A message that was interrupted
has been rolled back. It is rejected when the call that it belongs to was abandoned, put back into its queue when
rounds give way, and otherwise run again: it was some other message that was meant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from ic_harness.replica.execution import Interrupts
from ic_harness.replica.state.replicated_state import Canister, FromCanister, Message, Origin, Request

LOG = logging.getLogger("ic_harness.replica")
"""Where failures of the replica itself are reported, with their tracebacks."""


CLOSING: Final = "closing"


class Interruption:
    """The reasons that hold at present. Flags are set before `interrupt`, so that no runner misses them."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.interrupts = interrupts
        """Its `count` is read before the flags, and passed to the run."""
        self.pausing: set[object] = set()
        """Why no message may begin now: urgent commands, and `CLOSING`."""
        self.abandoned: set[Origin] = set()

    def interrupt(self) -> None:
        """Stop all Wasm that runs now."""
        self.interrupts.interrupt()

    def close(self) -> None:
        """Let no message begin any more, and stop those that run."""
        self.pausing.add(CLOSING)
        self.interrupt()

    @property
    def closing(self) -> bool:
        """Whether the replica closes."""
        return CLOSING in self.pausing


def origin_of(message: Message, canister: Canister) -> Origin | None:
    """Which call a message in the queue of `canister` works for; None when that call is gone."""
    return message.origin if isinstance(message, Request) else _origin(canister, message.call)


def belongs_to(origin: Origin | None, origins: set[Origin], canisters: Mapping[bytes, Canister]) -> bool:
    """Whether a call was made, directly or through other canisters, for a call from one of `origins`.

    Follows the call contexts up to the call from outside. Records of other canisters may change meanwhile, so
    what is not found there ends the search.
    """
    for _ in range(_DEPTH):
        if origin in origins:
            return True
        if not isinstance(origin, FromCanister):
            return False
        caller = canisters.get(origin.canister)
        origin = None if caller is None else _origin(caller, origin.call)
    return False


_DEPTH = 10_000
"""Contexts that are followed at most; calls in a circle of canisters have no end."""


def _origin(canister: Canister, call: int) -> Origin | None:
    pending = canister.calls.get(call)
    context = None if pending is None else canister.contexts.get(pending.context)
    return None if context is None else context.origin


AbandonedTest = Callable[[Message, Canister], bool]
