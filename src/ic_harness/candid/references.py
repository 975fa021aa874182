"""Python values without a built-in counterpart: references, and an option inside an option."""

from __future__ import annotations

from typing import Generic, TypeVar

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """A present value of an option whose inner type has null itself.

    In `opt opt nat`, `opt null` and `opt reserved` `None` is the outer null and `Some(None)` the
    inner one. `encode` accepts it for every option.
    """

    value: T


@dataclass(frozen=True, slots=True)
class FuncRef:
    """A reference to a method of a canister: `func "aaaaa-aa".create_canister`."""

    principal: Principal
    method: str


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A reference to a canister by its interface: `service "aaaaa-aa"`."""

    principal: Principal
