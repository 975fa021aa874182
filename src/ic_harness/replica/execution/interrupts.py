"""Stops Wasm that is running, from any thread.

The engine checks its epoch at every loop and at every function entry. A store's deadline is set one epoch ahead
when a message begins, so raising the epoch stops every message that runs at that moment with `Interrupted`; the
message is rolled back, and its caller decides by its own flags whether to run it again.

An interrupt that arrives between that decision and the start of the Wasm must not be lost: a runner reads `count`
before it looks at its flags, and passes it to `Instance.run`, which compares it again after the deadline is set.
"""

from __future__ import annotations

import wasmtime


class Interrupted(Exception):  # noqa: N818 - not an error: the message may be run again
    """Wasm was stopped by `Interrupts.interrupt`; nothing of its message remains."""


class Interrupts:
    """The interrupts of one engine; `count` grows with each."""

    def __init__(self, engine: wasmtime.Engine) -> None:
        self._engine = engine
        self.count = 0

    def interrupt(self) -> None:
        """Stop all Wasm that runs now. May be called from any thread, also from a signal handler."""
        self.count += 1
        self._engine.increment_epoch()
