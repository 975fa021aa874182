"""Callers on threads of their own, of which one runs at a time: until it makes a call, or ends.

A caller is any Python function. While it runs, the driver waits; while rounds run, all callers wait. So what they do is
the same in each run, although they are threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, Final

from ic_harness.errors import RejectError, ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica import PendingUpdate, Replica

MOST_REFUSALS: Final = 1_000
"""Calls that are refused before they begin, after which an actor is taken to go on for ever."""

_LEAVING_S: Final = 10.0
"""Real time in which an actor that was given up has to end; one that does not is left behind."""


class Actor:
    """A function and the thread that runs it. `value` or `error` is its result once `ended`.

    It is put into `events` whenever it has made a call or ended.
    """

    def __init__(
        self, name: str, function: Callable[[], Any], calls: ActorCalls, events: queue.SimpleQueue[Actor]
    ) -> None:
        self.name = name
        self.function = function
        self._calls = calls
        self._events = events
        self._thread: threading.Thread | None = None
        self.value: Any = None
        self.error: Exception | None = None
        self.ended = False
        self.pending: PendingUpdate | None = None
        """The call that it waits for."""
        self.count = 0
        """How many calls it has made."""
        self.problem = ""
        """Why it was ended; "" while there is no reason."""
        self._refusals = 0
        self._go_on = threading.Semaphore(0)
        self._given_up = ""

    def start(self) -> None:
        """Run until the first call, whose event the driver waits for."""
        name = f"ic-harness-actor-{self.name}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._calls.enter(self)
        try:
            self.value = self.function()
        except Exception as error:  # noqa: BLE001  the result of the run
            self.error = error
        except BaseException as error:  # noqa: BLE001  pytest's outcomes are no `Exception`s
            self.error = RuntimeError(f"{type(error).__name__}: {error}")
            self.error.__cause__ = error
        self.ended = True
        self._events.put(self)

    def call(self, submit: Callable[[], PendingUpdate]) -> bytes:
        """Make a call on the actor's thread. Raises `RejectError`, and `ReplicaError` when the run was given up."""
        if self._given_up:
            raise ReplicaError(self._given_up)
        try:
            pending = submit()
        except RejectError:
            self._refused()
            raise
        self.count += 1
        self.pending = pending
        self._events.put(self)
        self._go_on.acquire()
        if not pending.done:
            raise ReplicaError(self._given_up)
        return pending()

    def _refused(self) -> None:
        self._refusals += 1
        if self._refusals >= MOST_REFUSALS:
            self.problem = f"{self.name} goes on although {MOST_REFUSALS:,} of its calls were refused"
            raise ReplicaError(self.problem)

    def resume(self) -> None:
        """Let the actor go on with the answer that is there."""
        self.pending = None
        self._go_on.release()

    def give_up(self, why: str) -> None:
        """Let the present call and all later ones raise `ReplicaError`."""
        self._given_up = why
        self._go_on.release()
        if self._thread is not None:
            self._thread.join(_LEAVING_S)


class ActorCalls:
    """The calls of a network's agents: those of actors wait for the driver, others are executed at once."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._local = threading.local()

    def enter(self, actor: Actor) -> None:
        """Make the present thread the actor's."""
        self._local.actor = actor

    def update(
        self, sender: Principal, canister_id: Any, method: str, arg: bytes, effective_id: Any
    ) -> bytes:
        """Call `method`; the ingress filter runs as for a signed call."""
        actor: Actor | None = getattr(self._local, "actor", None)
        if actor is None:
            return self._replica.execute_update(
                sender, canister_id, method, arg, inspect=True, effective_id=effective_id
            )
        return actor.call(lambda: self._replica.submit_update(sender, canister_id, method, arg, inspect=True))

    def query(self, sender: Principal, canister_id: Any, method: str, arg: bytes) -> bytes:
        """Query `method`."""
        return self._replica.execute_query(sender, canister_id, method, arg)
