"""Base of generated modules: their Candid interface (`Interface`) and the two client classes.

A generated module has its types twice: as Python classes, and as Candid text. `Interface` joins them.
"""

from __future__ import annotations

from builtins import bool as Bool  # noqa: N812
from builtins import bytes as Blob  # noqa: N812
from builtins import float as Float  # noqa: N812
from builtins import list as Vec  # noqa: N812
from builtins import object as Reserved  # noqa: N812
from builtins import str as Text  # noqa: N812
from builtins import tuple as Tuple  # noqa: N812
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Never, Protocol, TypeVar, cast

from ic_harness.candid.decoding import decode
from ic_harness.candid.encoding import encode
from ic_harness.candid.model_conversion import Converter, Lifting, Lowering
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
)
from ic_harness.candid.parser import parse
from ic_harness.candid.references import Some
from ic_harness.candid.service import Method, Service
from ic_harness.candid.types import Type, resolve
from ic_harness.principal import Principal as _Principal

__all__ = [  # noqa: RUF022 - sorted as Python sorts
    "Agent", "AsyncAgent", "AsyncClient", "Blob", "Bool", "Buffer", "Case", "Client", "EmptyRecord",
    "Enumeration", "Err", "Float", "FuncRef", "Int", "Int16", "Int32", "Int64", "Int8", "Interface",
    "Model", "Nat", "Nat16", "Nat32", "Nat64", "Nat8", "Never", "Ok", "Principal", "Reserved",
    "Sequence", "ServiceRef", "Some", "Text", "Tuple", "Vec",
]  # fmt: skip

T = TypeVar("T")


class Interface:
    """The Candid interface of a generated module: its text, parsed at first use, and its classes.

    `classes` maps the name of a type in the text to its class: a `Model`, an `Enumeration`, or a dict of
    cases.
    """

    def __init__(self, text: str, classes: Mapping[str, Any]) -> None:
        self._text = text
        self._classes = classes

    @cached_property
    def service(self) -> Service:
        """The parsed interface."""
        return parse(self._text)

    @cached_property
    def _by_type(self) -> dict[int, Any]:
        return {id(resolve(self.service.types[name])): cls for name, cls in self._classes.items()}

    @cached_property
    def _codecs(self) -> dict[str, _MethodCodec]:
        return {}

    def codec(self, method: str) -> _MethodCodec:
        """Return the codec of a method, which is made at its first call."""
        found = self._codecs.get(method)
        if found is None:
            found = self._codecs[method] = _MethodCodec(self.service.methods[method], self)
        return found

    def encode_init(self, *values: Any) -> bytes:
        """Encode the arguments of installation."""
        types = self.service.init_args or ()
        lower = Lowering(self._by_type)
        return encode(
            [lower.convert(type_, value) for type_, value in zip(types, values, strict=True)], types
        )

    def converters(self, types: Sequence[Type]) -> tuple[list[Converter | None], list[Converter | None]]:
        """Return for each type the converters to and from the codec's values; None where they are the same."""
        lower, lift = Lowering(self._by_type), Lifting(self._by_type)
        return [lower.of(t) for t in types], [lift.of(t) for t in types]


class _MethodCodec:
    """Encodes arguments and decodes results of one method."""

    def __init__(self, method: Method, interface: Interface) -> None:
        self.method = method
        self._lower, _ = interface.converters(method.arg_types)
        _, self._lift = interface.converters(method.return_types)

    def encode(self, values: Sequence[Any]) -> bytes:
        return encode(self.lower(values), self.method.arg_types)

    def decode(self, reply: bytes) -> Any:
        return self.lift(decode(reply, self.method.return_types))

    def lower(self, values: Sequence[Any]) -> list[Any]:
        """Convert arguments to the codec's values."""
        return [
            value if convert is None else convert(value)
            for convert, value in zip(self._lower, values, strict=True)
        ]

    def lift(self, values: Sequence[Any]) -> Any:
        """Convert results: one value, a tuple of several, or None for none."""
        lifted = tuple(
            value if convert is None else convert(value)
            for convert, value in zip(self._lift, values, strict=True)
        )
        if len(lifted) == 1:
            return lifted[0]
        return lifted or None


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
