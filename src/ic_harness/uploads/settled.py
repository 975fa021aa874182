"""Calls that are never abandoned half way.

A cancelled upload must know what it leaves behind, so a call that is under way when the upload is cancelled is
waited for; only then the cancellation goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Settled:
    """An `AsyncBackend` whose calls always come to their end."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return _settling(found) if callable(found) else found


def _settling(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **named: Any) -> Any:
        task = asyncio.ensure_future(method(*args, **named))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: nobody else will ask for it
            raise

    return call
