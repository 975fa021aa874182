"""A canister whose methods are attributes, by ic-py's names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from ic_harness.candid import Method, parse
from ic_harness.candid import encode as encode_ours
from ic_harness.errors import InputError
from ic_harness.ic_py import candid
from ic_harness.ic_py.agent import as_agent
from ic_harness.principal import Principal

_QUERIES: Final = ("query", "composite_query")


class Canister:
    """A canister by its interface, text of a `.did`; without one, as the canister publishes it.

    Every method `name` is there as `name(…)` and `await name_async(…)`; both return the list of results. `agent` is
    ours, ic-py's, or one of this room. Raises `InputError` when no interface is to be had.
    """

    def __init__(self, agent: Any, canister_id: Any, candid: str | None = None) -> None:
        self.agent = as_agent(agent)
        self.canister_id = Principal.of(canister_id)
        if candid is None:
            # The management canister has no state that could be read.
            managing = self.canister_id == Principal.management()
            published = None if managing else self.agent.read_metadata(self.canister_id, "candid:service")
            if published is None:
                raise InputError(f"canister {self.canister_id} publishes no Candid interface: give its text")
            candid = published.decode()
        self.candid = candid
        for name, method in parse(candid).methods.items():
            setattr(self, name, CanisterMethod(self, name, method))
            setattr(self, f"{name}_async", CanisterMethodAsync(self, name, method))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"canister {self.canister_id} has no method {name!r}")


class CanisterMethod:
    """A method to call."""

    def __init__(self, canister: Canister, name: str, method: Method) -> None:
        self._canister = canister
        self._name = name
        self._method = method

    def __call__(self, *args: Any) -> list[Any]:
        """Call it with values in ic-py's forms. Raises `ValueError` for their number, else as the agent does."""
        types = self._method.arg_types
        if len(args) != len(types):
            raise ValueError(f"{self._name} takes {len(types)} arguments, got {len(args)}")
        values = [candid.value_from(type_, arg) for type_, arg in zip(types, args, strict=True)]
        agent, canister = self._canister.agent, self._canister.canister_id
        send = agent.query if self._method.mode in _QUERIES else agent.update
        reply = send(
            canister, self._name, encode_ours(values, types), effective_canister_id=self._effective(args)
        )
        return [found["value"] for found in candid.decode(reply, list(self._method.return_types))]

    def _effective(self, args: tuple[Any, ...]) -> Any:
        """A call to the management canister goes where the canister that it is about lives."""
        about_one = args and isinstance(args[0], Mapping) and "canister_id" in args[0]
        managed = self._canister.canister_id == Principal.management() and about_one
        return args[0]["canister_id"] if managed else None


class CanisterMethodAsync(CanisterMethod):
    """A method to call and await."""

    async def __call__(self, *args: Any) -> list[Any]:  # type: ignore[override]
        """Call it in a thread, so that others can go on."""
        return await asyncio.to_thread(super().__call__, *args)
