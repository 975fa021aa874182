"""Base of generated modules: the names that they use, and the two client classes."""

from __future__ import annotations

from builtins import bool as Bool  # noqa: N812
from builtins import bytes as Blob  # noqa: N812
from builtins import float as Float  # noqa: N812
from builtins import list as Vec  # noqa: N812
from builtins import object as Reserved  # noqa: N812
from builtins import str as Text  # noqa: N812
from builtins import tuple as Tuple  # noqa: N812
from collections.abc import Sequence
from typing import Any, ClassVar, Never, Protocol, TypeVar, cast

from ic_harness.candid.model_conversion import Interface
from ic_harness.candid.models import (
    Buffer,
    Case,
    EmptyRecord,
    Enumeration,
    Err,
    FuncRef,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Model,
    Nat,
    Nat8,
    Nat16,
    Nat32,
    Nat64,
    Ok,
    Principal,
    ServiceRef,
    Struct,
)
from ic_harness.candid.references import Some
from ic_harness.principal import Principal as _Principal

__all__ = [  # noqa: RUF022 - sorted as Python sorts
    "Agent", "AsyncAgent", "AsyncClient", "Blob", "Bool", "Buffer", "Case", "Client", "EmptyRecord",
    "Enumeration", "Err", "Float", "FuncRef", "Int", "Int16", "Int32", "Int64", "Int8", "Interface",
    "Model", "Nat", "Nat16", "Nat32", "Nat64", "Nat8", "Never", "Ok", "Principal", "Reserved",
    "Sequence", "ServiceRef", "Some", "Struct", "Text", "Tuple", "Vec",
]  # fmt: skip

T = TypeVar("T")


class Agent(Protocol):
    """What a generated client needs: an object that sends calls and returns the reply's bytes."""

    def update(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call an update method and return the reply's Candid bytes."""
        ...

    def query(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call a query method and return the reply's Candid bytes."""
        ...


class AsyncAgent(Protocol):
    """The asynchronous form of `Agent`."""

    async def update(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call an update method and return the reply's Candid bytes."""
        ...

    async def query(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call a query method and return the reply's Candid bytes."""
        ...


class Client:
    """Base of generated clients: encodes, calls, decodes."""

    interface: ClassVar[Interface]

    def __init__(self, agent: Agent, canister_id: _Principal | str) -> None:
        self._agent = agent
        self._canister_id = _Principal.of(canister_id)

    @property
    def canister_id(self) -> _Principal:
        """The canister that is called."""
        return self._canister_id

    def _update(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        codec = self.interface.codec(method)
        return cast("T", codec.decode(self._agent.update(self._canister_id, method, codec.encode(values))))

    def _query(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        codec = self.interface.codec(method)
        return cast("T", codec.decode(self._agent.query(self._canister_id, method, codec.encode(values))))


class AsyncClient:
    """Base of generated clients with an asynchronous agent."""

    interface: ClassVar[Interface]

    def __init__(self, agent: AsyncAgent, canister_id: _Principal | str) -> None:
        self._agent = agent
        self._canister_id = _Principal.of(canister_id)

    @property
    def canister_id(self) -> _Principal:
        """The canister that is called."""
        return self._canister_id

    async def _update(self, method: str, *values: Any) -> T:
        codec = self.interface.codec(method)
        reply = await self._agent.update(self._canister_id, method, codec.encode(values))
        return cast("T", codec.decode(reply))

    async def _query(self, method: str, *values: Any) -> T:
        codec = self.interface.codec(method)
        reply = await self._agent.query(self._canister_id, method, codec.encode(values))
        return cast("T", codec.decode(reply))
