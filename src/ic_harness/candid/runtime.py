"""What generated modules stand on: models, cases of variants, and the two client bases.

A generated module knows its types twice: as Python classes, and as the Candid text it carries (`Interface`). Between
the two stand converters, made once per type: after decoding, a record's dict becomes the `__dict__` of its model
without being validated again, since the codec has just checked every value against the same types.
"""

from __future__ import annotations

import enum
from builtins import bool as Bool
from builtins import bytes as Blob
from builtins import float as Float
from builtins import list as Vec
from builtins import object as Reserved
from builtins import str as Text
from builtins import tuple as Tuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, Never, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator
from pydantic import Field as _PydanticField

from ic_harness.candid.decoding import decode
from ic_harness.candid.encoding import encode
from ic_harness.candid.parser import parse
from ic_harness.candid.references import FuncRef as _FuncRef
from ic_harness.candid.references import ServiceRef as _ServiceRef
from ic_harness.candid.references import Some
from ic_harness.candid.service import Method, Service
from ic_harness.candid.types import Field, Opt, Record, Type, Variant, nullable, resolve
from ic_harness.candid.types import Vec as _VecType
from ic_harness.principal import Principal as _Principal

__all__ = [
    "Agent", "AsyncAgent", "AsyncClient", "Blob", "Bool", "Buffer", "Case", "Client", "EmptyRecord", "Enumeration",
    "Err", "Float", "FuncRef", "Int", "Int16", "Int32", "Int64", "Int8", "Interface", "Model", "Nat", "Nat16", "Nat32",
    "Nat64", "Nat8", "Never", "Ok", "Principal", "Reserved", "Sequence", "ServiceRef", "Some", "Text", "Tuple", "Vec",
]  # fmt: skip

T = TypeVar("T")
E = TypeVar("E")


def _ranged(low: int | None, high: int | None) -> Any:
    return _PydanticField(ge=low, le=high, strict=True)


Nat = Annotated[int, _ranged(0, None)]
Nat8 = Annotated[int, _ranged(0, 2**8 - 1)]
Nat16 = Annotated[int, _ranged(0, 2**16 - 1)]
Nat32 = Annotated[int, _ranged(0, 2**32 - 1)]
Nat64 = Annotated[int, _ranged(0, 2**64 - 1)]
Int = Annotated[int, _ranged(None, None)]
Int8 = Annotated[int, _ranged(-(2**7), 2**7 - 1)]
Int16 = Annotated[int, _ranged(-(2**15), 2**15 - 1)]
Int32 = Annotated[int, _ranged(-(2**31), 2**31 - 1)]
Int64 = Annotated[int, _ranged(-(2**63), 2**63 - 1)]
EmptyRecord = dict[str, object]
Buffer = bytes | bytearray | memoryview
Principal = Annotated[_Principal, PlainValidator(_Principal.of), PlainSerializer(str, when_used="json")]
FuncRef = Annotated[_FuncRef, PlainValidator(lambda value: value)]
ServiceRef = Annotated[_ServiceRef, PlainValidator(lambda value: value)]


class Model(BaseModel):
    """Base of generated records: immutable, made by keyword, fields by their Candid names."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, defer_build=True, protected_namespaces=()
    )
    candid_keys: ClassVar[Mapping[str, str | int]] = {}
    """Python names of fields that differ from their Candid keys."""


class Case:
    """Base of the classes for a variant's cases; `candid_key` is the case's label in Candid."""

    __slots__ = ()
    candid_key: ClassVar[str | int]


@dataclass(frozen=True, slots=True)
class Ok(Case, Generic[T]):
    """The case `Ok` of a result; `value` is None where Candid has no payload."""

    value: T
    candid_key: ClassVar[str | int] = "Ok"


@dataclass(frozen=True, slots=True)
class Err(Case, Generic[E]):
    """The case `Err` of a result."""

    value: E
    candid_key: ClassVar[str | int] = "Err"


class Enumeration(enum.StrEnum):
    """Base of variants whose cases all come without a value."""


Converter = Callable[[Any], Any]


class Interface:
    """The Candid side of a generated module: its text, parsed when it is first needed, and its classes.

    `classes` maps the name of a type in the text to its class: a `Model`, an `Enumeration`, or a dict of cases.
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
        """How arguments and results of a method are converted; made at its first call."""
        found = self._codecs.get(method)
        if found is None:
            found = self._codecs[method] = _MethodCodec(self.service.methods[method], self)
        return found

    def encode_init(self, *values: Any) -> bytes:
        """Encode the arguments of installation."""
        types = self.service.init_args or ()
        lower = _Lowering(self._by_type)
        return encode(
            [lower.convert(type_, value) for type_, value in zip(types, values, strict=True)], types
        )

    def converters(self, types: Sequence[Type]) -> tuple[list[Converter | None], list[Converter | None]]:
        """For each type how to turn Python values into Candid values, and back; None where they are the same."""
        lower, lift = _Lowering(self._by_type), _Lifting(self._by_type)
        return [lower.of(t) for t in types], [lift.of(t) for t in types]


class _MethodCodec:
    """Arguments to bytes and bytes to results, for one method."""

    def __init__(self, method: Method, interface: Interface) -> None:
        self.method = method
        self._lower, _ = interface.converters(method.arg_types)
        _, self._lift = interface.converters(method.return_types)

    def encode(self, values: Sequence[Any]) -> bytes:
        lowered = [
            value if convert is None else convert(value)
            for convert, value in zip(self._lower, values, strict=True)
        ]
        return encode(lowered, self.method.arg_types)

    def decode(self, reply: bytes) -> Any:
        values = decode(reply, self.method.return_types)
        lifted = tuple(
            value if convert is None else convert(value)
            for convert, value in zip(self._lift, values, strict=True)
        )
        if len(lifted) == 1:
            return lifted[0]
        return lifted or None


class _Conversion:
    """Makes converters by type. None means that nothing has to be converted."""

    def __init__(self, classes: Mapping[int, Any]) -> None:
        self._classes = classes
        self._made: dict[int, Converter | None] = {}
        self._open: dict[int, bool] = {}

    def convert(self, type_: Type, value: Any) -> Any:
        convert = self.of(type_)
        return value if convert is None else convert(value)

    def of(self, type_: Type) -> Converter | None:
        actual = resolve(type_)
        key = id(actual)
        if key in self._made:
            return self._made[key]
        if key in self._open:
            # The type stands inside itself: find its converter when there is a value.
            return lambda value: self.convert(actual, value)
        self._open[key] = True
        made = self._make(actual)
        del self._open[key]
        self._made[key] = made
        return made

    def _make(self, type_: Type) -> Converter | None:
        match type_:
            case Opt(inner):
                return self._option(self.of(inner), wrapped=nullable(inner))
            case _VecType(inner):
                element = self.of(inner)
                return None if element is None else lambda values: [element(value) for value in values]
            case Record(fields) if type_.is_tuple:
                return _each([self.of(f.type) for f in fields])
            case Record(fields):
                return self._record(type_, [(f, self.of(f.type)) for f in fields])
            case Variant(fields):
                return self._variant(type_, [(f, self.of(f.type)) for f in fields])
        return None

    def _option(self, inner: Converter | None, *, wrapped: bool) -> Converter | None:
        if inner is None:
            return None
        if wrapped:
            return lambda value: Some(inner(value.value)) if isinstance(value, Some) else value
        return lambda value: None if value is None else inner(value)

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        raise NotImplementedError

    def _variant(self, variant: Variant, cases: list[tuple[Field, Converter | None]]) -> Converter | None:
        raise NotImplementedError


def _each(converters: list[Converter | None]) -> Converter | None:
    if not any(converters):
        return None
    return lambda values: tuple(
        value if convert is None else convert(value)
        for convert, value in zip(converters, values, strict=True)
    )


class _Lifting(_Conversion):
    """From the codec's values to models."""

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        model: type[Model] | None = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
        renamed = [(f.key, names[f.key]) for f, _ in fields if f.key in names]
        converted = [(f.key, convert) for f, convert in fields if convert is not None]
        set_names = {names.get(f.key, f.key) for f, _ in fields}
        new, fill = model.__new__, object.__setattr__

        def lift(values: dict[Any, Any]) -> Any:
            for key, convert in converted:
                values[key] = convert(values[key])
            for key, name in renamed:
                values[name] = values.pop(key)
            made = new(model)
            # What BaseModel.model_construct does, without its search for defaults and aliases.
            fill(made, "__dict__", values)
            fill(made, "__pydantic_fields_set__", set_names.copy())
            fill(made, "__pydantic_extra__", None)
            fill(made, "__pydantic_private__", None)
            return made

        return lift

    def _variant(self, variant: Variant, cases: list[tuple[Field, Converter | None]]) -> Converter:
        found: Any = self._classes.get(id(variant), {})
        if isinstance(found, type) and issubclass(found, Enumeration):
            members = {member.value: member for member in found}
            return lambda value: members[next(iter(value))]
        makers = {
            f.key: _case_maker(found.get(f.key) or {"Ok": Ok, "Err": Err}[str(f.key)], convert)
            for f, convert in cases
        }

        def lift(value: dict[Any, Any]) -> Any:
            ((key, payload),) = value.items()
            return makers[key](payload)

        return lift


def _case_maker(case: Any, convert: Converter | None) -> Converter:
    if not getattr(case, "__match_args__", ()):
        return lambda _payload: case()
    return case if convert is None else lambda payload: case(convert(payload))


class _Lowering(_Conversion):
    """From models to the codec's values. Plain values (dicts, tags) pass as they are."""

    def _record(self, record: Record, fields: list[tuple[Field, Converter | None]]) -> Converter | None:
        model: type[Model] | None = self._classes.get(id(record))
        if model is None:
            return None
        names = {key: name for name, key in model.candid_keys.items()}
        plan = [(f.key, names.get(f.key, f.key), convert) for f, convert in fields]

        def lower(value: Any) -> Any:
            if not isinstance(value, Model):
                return value
            given = value.__dict__
            return {
                key: given[name] if convert is None else convert(given[name]) for key, name, convert in plan
            }

        return lower

    def _variant(self, variant: Variant, cases: list[tuple[Field, Converter | None]]) -> Converter:
        converters = {f.key: convert for f, convert in cases}

        def lower(value: Any) -> Any:
            if not isinstance(value, Case):
                return str(value) if isinstance(value, Enumeration) else value
            payload = getattr(value, "value", None)
            convert = converters.get(value.candid_key)
            return {value.candid_key: payload if convert is None else convert(payload)}

        return lower


class Agent(Protocol):
    """What a generated client needs: something that calls and gives the reply's bytes."""

    def update(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call an update method; the reply's Candid bytes."""
        ...

    def query(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call a query method; the reply's Candid bytes."""
        ...


class AsyncAgent(Protocol):
    """The same for code that awaits."""

    async def update(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call an update method; the reply's Candid bytes."""
        ...

    async def query(self, canister_id: _Principal, method: str, arg: bytes, /) -> bytes:
        """Call a query method; the reply's Candid bytes."""
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
    """Base of generated clients that await their agent."""

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
