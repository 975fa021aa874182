"""Threads that run Wasm as an executor of the standard library, for servers."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from typing import Any, TypeVar

from .threads import Task, WasmThreads

T = TypeVar("T")


class WasmExecutor(Executor):
    """A pool of threads for Wasm as the standard library's executors are used."""

    def __init__(self, name: str, most: int) -> None:
        self._threads = WasmThreads(name, most)
        self._futures: weakref.WeakSet[Future[Any]] = weakref.WeakSet()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function as soon as a thread is free."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = fn(*args, **kwargs)
                except BaseException as failure:  # noqa: BLE001  the future passes it on
                    future.set_exception(failure)
                else:
                    future.set_result(result)

        self._futures.add(future)
        self._threads.submit(Task(run))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """End the threads; those that are busy end after what they do."""
        self._threads.close()
        futures = list(self._futures)
        if cancel_futures:
            for future in futures:
                future.cancel()
        if wait:
            wait_for(futures)
