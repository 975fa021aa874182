"""Base classes and annotations for generated modules: records, variant cases, numbers with ranges."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator
from pydantic import Field as _PydanticField

from ic_harness.candid.references import FuncRef as _FuncRef
from ic_harness.candid.references import ServiceRef as _ServiceRef
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal as _Principal

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


class Struct:
    """Base of records that are generated as dataclasses: immutable, made by keyword, checked when encoded."""

    __slots__ = ()
    candid_keys: ClassVar[Mapping[str, str | int]] = {}
    """Python names of fields that differ from their Candid keys."""


class Case:
    """Base of the classes for a variant's cases; `candid_key` is the case's label in Candid."""

    __slots__ = ()
    candid_key: ClassVar[str | int]


@dataclass(frozen=True, slots=True)
class Ok(Case, Generic[T]):
    """The case `Ok` of a result; `value` is None when the case has no payload."""

    value: T
    candid_key: ClassVar[str | int] = "Ok"


@dataclass(frozen=True, slots=True)
class Err(Case, Generic[E]):
    """The case `Err` of a result."""

    value: E
    candid_key: ClassVar[str | int] = "Err"


class Enumeration(enum.StrEnum):
    """Base of variants whose cases have no payload."""
