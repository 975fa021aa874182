"""A backend whose calls are governed, recorded in the ledger, and never abandoned half way.

What a call is for (file, stage, asset) comes from the context of the task that makes it, so the uploads of
`ic_capsule.uploads` need not know that they are watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar, cast

from ic_capsule.uploads import AsyncBackendCalls, AsyncForwardingClient
from ic_harness.errors import BackendError, RejectError

from .governor import Governor
from .ledger import Ledger
from .states import Stage

P = ParamSpec("P")
T = TypeVar("T")
_QUERIES: Final = frozenset(
    {
        "uploads_status", "blob_get_meta", "blob_read", "blob_read_chunk", "memories_read", "memories_list",
        "memories_read_asset", "capsules_read_basic", "capsules_list", "memories_ping", "quotas", "whoami",
    }
)  # fmt: skip
_ONCE_A_RUN: Final = frozenset({"upload_config", "detect_generation"})
"""Calls whose answer does not change during a run."""


@dataclass(slots=True)
class Errand:
    """What the calls of a task are for: a stage of a file, and which of its assets is sent.

    `unsent` counts the bytes of the original that are still to be sent; a lower `rank` goes first.
    """

    file: int
    stage: Stage
    part: str = ""
    unsent: int = 0
    rank: int = 0


_ERRAND: Final[ContextVar[Errand | None]] = ContextVar("errand", default=None)
_REQUESTS: Final[ContextVar[list[bytes] | None]] = ContextVar("requests", default=None)
"""The request ids of the call that the present task makes."""


@contextmanager
def errand(what: Errand) -> Iterator[Errand]:
    """Make the calls of the block, and of tasks made in it, for `what`."""
    token = _ERRAND.set(what)
    try:
        yield what
    finally:
        _ERRAND.reset(token)


class Recorder:
    """Writes calls into the ledger: what is about to be sent before it is sent."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def sealed(self, request_id: bytes, method: str, expiry_ns: int) -> None:
        """An update is about to be sent; called by the agent."""
        what, requests = _ERRAND.get(), _REQUESTS.get()
        if what is None or requests is None:
            return
        requests.append(request_id)
        self._ledger.request_sent(request_id, method, expiry_ns, what.file, what.stage)

    def before(self, method: str, size: int) -> None:
        """A call is about to be made."""
        what = _ERRAND.get()
        if what is None:
            return
        if method in ("uploads_begin", "begin_upload"):
            self._ledger.first_byte(what.file)
        elif method == "uploads_put_chunk" and what.part:
            self._ledger.part_sent(what.file, what.part, size)

    def after(self, method: str, size: int, result: Any) -> None:
        """A call was answered."""
        what = _ERRAND.get()
        if what is None:
            return
        if method == "uploads_begin" and what.part:
            self._ledger.part_opened(what.file, what.part, int(result))
        elif method == "uploads_put_chunk":
            what.unsent = max(0, what.unsent - size)

    def settled(self, requests: list[bytes]) -> None:
        """The outcome of requests is known: they need not be looked up any more."""
        for request_id in requests:
            self._ledger.request_answered(request_id)


class GovernedBackend(AsyncForwardingClient):
    """An `AsyncBackendCalls` whose calls go through a governor; `again`: updates may be made a second time."""

    def __init__(
        self, backend: AsyncBackendCalls, governor: Governor, recorder: Recorder, *, again: bool
    ) -> None:
        super().__init__(backend)
        self._governor = governor
        self._recorder = recorder
        self._again = again
        self._known: dict[str, Any] = {}

    async def _call(
        self, name: str, method: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **named: P.kwargs
    ) -> T:
        if name in self._known:
            return cast("T", self._known[name])
        size = _chunk_bytes(args) if name == "uploads_put_chunk" else 0
        again = self._again or name in _QUERIES
        what = _ERRAND.get()

        def call() -> Coroutine[Any, Any, T]:
            return _finished(self._recorded(name, size, lambda: method(*args, **named)))

        result: T = await self._governor.call(
            call,
            size=size,
            update=name not in _QUERIES,
            again=again,
            rank=0 if what is None else what.rank,
        )
        if name in _ONCE_A_RUN:
            self._known[name] = result
        return result

    async def _recorded(self, name: str, size: int, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        requests = list[bytes]()
        _REQUESTS.set(requests)  # of the task of this call alone
        self._recorder.before(name, size)
        try:
            result = await call()
        except (BackendError, RejectError):
            self._recorder.settled(requests)
            raise
        self._recorder.after(name, size, result)
        self._recorder.settled(requests)
        return result


def _chunk_bytes(args: tuple[Any, ...]) -> int:
    """The length of the data of `uploads_put_chunk(session, index, data)`."""
    return len(args[2])


async def _finished(call: Coroutine[Any, Any, T]) -> T:
    """Await a call to its end even when the task is cancelled: a cancelled upload must know what became of it."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen: the task that waited for it is gone
        raise
