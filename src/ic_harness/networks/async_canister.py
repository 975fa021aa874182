"""The asynchronous client of a canister: the same names as `Canister`, each awaited.

Calls go through an `AsyncAgent`. Operations of `Lifecycle` run in a worker thread; what is an attribute there is
called here: `await twin.cycles()`. The interface comes first, as for `Canister`.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from ic_harness.agent import AsyncAgent
from ic_harness.candid import Service, decode, encode
from ic_harness.displays import Display, Displayed
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .canister_lifecycle import Lifecycle, plain_result, recent_log
from .interfaces import find_method
from .unsigned_identity import identity_of


class AsyncCanister(Displayed):
    """A canister and a caller, for asynchronous code; an asynchronous context manager.

    One object belongs to one event loop. `close` releases its connections. `Canister.async_` makes one;
    `AsyncCanister(lifecycle(canister))` does so whatever names the interface has.
    """

    def __init__(self, sync: Lifecycle) -> None:
        self._sync = sync

    def __repr__(self) -> str:
        return f"AsyncCanister({self._sync.canister_id} on {self._sync.network.name})"

    def _display(self) -> Display:
        shown = self._sync._display()  # noqa: SLF001 - the display of the same canister
        return replace(shown, title=f"AsyncCanister on {self._sync.network.name}")

    @functools.cached_property
    def _agent(self) -> AsyncAgent:
        return self._sync.network.async_agent(self._sync.identity)

    async def _service(self) -> Service:
        return await asyncio.to_thread(lambda: self._sync.service)

    def as_(self, who: Identity | Principal | str) -> AsyncCanister:
        """Return the same canister for another caller; see `Canister.as_`."""
        return AsyncCanister(self._sync.with_caller(identity_of(who)))

    async def call(self, method: str, *args: Any, update: bool = False) -> Any:
        """Call `method` and return what it returns. Raises what `Canister.call` raises."""
        known = find_method(await self._service(), method)
        queried = known.mode in {"query", "composite_query"} and not update
        send = self._agent.query if queried else self._agent.update
        argument = encode(args, known.arg_types)
        try:
            reply = await send(self._sync.canister_id, method, argument)
        except RejectError as error:
            error.log = recent_log(self._sync.network, self._sync.canister_id)
            error.trap = self._sync.network.find_trap(error.reject_message)
            raise
        return plain_result(decode(reply, known.return_types))

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        if object.__getattribute__(self, "_sync").has_method(name) is True:
            return functools.partial(object.__getattribute__(self, "call"), name)
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(f"{self!r} has no method {name!r}")
        return functools.partial(self._method_or_operation, name)

    async def _method_or_operation(self, name: str, *args: Any, **options: Any) -> Any:
        """Call a method of the interface, else run the operation `name`; which of them is known only now."""
        operation = getattr(Lifecycle, name, None)
        if operation is None or await asyncio.to_thread(self._sync.finds_method, name):
            return await AsyncCanister.call(self, name, *args, **options)
        if callable(operation):
            return await asyncio.to_thread(operation, self._sync, *args, **options)
        return await asyncio.to_thread(getattr, self._sync, name)

    async def close(self) -> None:
        """Close the connections of this client."""
        if "_agent" in vars(self):
            await self._agent.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await AsyncCanister.close(self)
