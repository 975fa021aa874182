"""A client whose calls are never abandoned half way, and are retried where that is safe.

A cancelled upload must know what it leaves behind. So a call that is in progress when the upload is cancelled runs to
its end before the cancellation continues. A request that expired before its reply arrived, or for which the network had
no room, is made again where the backend guarantees that a repeated call of an upload returns the same reply, whether or
not the first one was executed; elsewhere a repeated call would damage what is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

from ic_harness.errors import CallTimeoutError, ClockError, RejectError

from .calls import AsyncBackendCalls
from .forwarding import AsyncForwardingClient

P = ParamSpec("P")
T = TypeVar("T")
_TRANSIENT: Final = 2
"""The reject code SYS_TRANSIENT (interface specification, "Reject codes"): the same call may succeed later."""


class ShieldedClient(AsyncForwardingClient):
    """An `AsyncBackendCalls` whose calls always run to their end; `retry_allowed` permits a second attempt."""

    def __init__(self, backend: AsyncBackendCalls, *, retry_allowed: bool = True) -> None:
        super().__init__(backend)
        self.retry_allowed = retry_allowed

    async def _call(
        self, _name: str, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **named: P.kwargs
    ) -> T:
        call = _retried(method, *args, **named) if self.retry_allowed else method(*args, **named)
        return await _shielded(call)


async def _shielded(call: Awaitable[T]) -> T:
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # marked as retrieved: no other code reads it
        raise


async def _retried(method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **named: P.kwargs) -> T:
    try:
        return await method(*args, **named)
    except (CallTimeoutError, ClockError):
        pass
    except RejectError as error:
        if error.reject_code != _TRANSIENT:
            raise
    return await method(*args, **named)
