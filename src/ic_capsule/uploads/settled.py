"""Calls that are never abandoned half way, and not given up because they took too long on their way.

A cancelled upload must know what it leaves behind, so a call that is under way when the upload is cancelled is
waited for; only then the cancellation goes on. A request that expired before its answer came, or that the network
had no room for just then, is made anew where the backend promises that every call of an upload gives the same answer
again, whether the first one ran or not; elsewhere a call that was made twice would spoil what is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ic_harness.errors import CallTimeoutError, ClockError, RejectError

_TRANSIENT: Final = 2
"""The reject code SYS_TRANSIENT (interface specification, "Reject codes"): the same call may succeed later."""


class Settled:
    """An `AsyncBackend` whose calls always come to their end; `insists` tells whether they may be made anew."""

    def __init__(self, backend: Any, *, insists: bool = True) -> None:
        self.insists = insists
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return _settling(found, insists=self.insists) if callable(found) else found


def _settling(method: Callable[..., Awaitable[Any]], *, insists: bool) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **named: Any) -> Any:
        task = asyncio.ensure_future(_insisted(method, args, named) if insists else method(*args, **named))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: nobody else will ask for it
            raise

    return call


async def _insisted(
    method: Callable[..., Awaitable[Any]], args: tuple[Any, ...], named: Mapping[str, Any]
) -> Any:
    try:
        return await method(*args, **named)
    except (CallTimeoutError, ClockError):
        pass
    except RejectError as error:
        if error.reject_code != _TRANSIENT:
            raise
    return await method(*args, **named)
