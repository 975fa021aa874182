"""Server-sent events: what changes in the ledger, as it changes.

The id of an event is the ledger's event number, so a page that lost the connection, or whose server was started
anew, says the last number it saw (`Last-Event-ID`) and is told what it missed. Changes are told at most ten times a
second; without any, the counts every five seconds. A stream ends after five idle minutes; the page opens it again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from sse_starlette.event import ServerSentEvent

from .feed import Feed

INTERVAL_S: Final = 5.0
COALESCE_S: Final = 0.1
_RETRY_MS: Final = 1_000
_LARGEST_ID: Final = 1 << 62


def first_id(told: str | None, feed: Feed) -> int:
    """The event after which a page wants to be told: what it says, or now."""
    if told is not None and told.isascii() and told.isdigit():
        return min(int(told), _LARGEST_ID)
    return feed.view.last_event()


async def events(
    feed: Feed, after: int, *, idle_s: float, clock: Callable[[], float], stopping: asyncio.Event
) -> AsyncIterator[ServerSentEvent]:
    """Yield progress from the event `after` on, until nothing has changed for `idle_s` seconds or `stopping` is set."""
    seen, told_at, changed_at = -1, -INTERVAL_S, time.monotonic()
    while not stopping.is_set():
        now, changes = time.monotonic(), feed.view.changes()
        if changes != seen or now - told_at >= INTERVAL_S:
            after, message = await asyncio.to_thread(_message, feed, after, clock())
            if seen not in (-1, changes):
                changed_at = now
            seen, told_at = changes, now
            yield ServerSentEvent(id=str(after), data=json.dumps(message), retry=_RETRY_MS)
        if now - changed_at > idle_s:
            return
        try:
            await asyncio.wait_for(stopping.wait(), COALESCE_S)
        except TimeoutError:
            continue


def _message(feed: Feed, after: int, now: float) -> tuple[int, dict[str, Any]]:
    last, changed = feed.changed(after)
    return last, {"type": "progress", **feed.progress(0.0), "changed": changed, "timestamp": now}
