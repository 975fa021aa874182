"""Hypothesis strategies for Candid: values of a type, and arguments of a canister's methods.

    @given(args=arguments("service : { add : (nat, opt text) -> () }", "add"))
    def test_it_takes_everything(args, canister):
        canister.add(*args)

Needs Hypothesis, which is not installed with ic-harness. Values are as `ic_harness.candid` has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from ic_harness import candid
from ic_harness.candid import FuncRef, Record, Service, ServiceRef, Some, Type, Variant, nullable, resolve
from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest

__all__ = ["arguments", "values"]

_DEEP: Final = 6
"""Levels below which options and vectors are empty, and variants take a case that ends soon."""
_MANY: Final = 4
_LONG: Final = 12
_BLOBS: Final = st.binary(max_size=_LONG) | st.binary(min_size=32, max_size=32)
"""Subaccounts and SHA-256 values are blobs of 32 bytes, and canisters refuse those of any other length."""
_INTEGERS: Final = st.one_of(st.integers(-1000, 1000), st.integers(), st.integers(-(2**300), 2**300))
_TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=_LONG)
_PRINCIPALS: Final = st.binary(max_size=29).map(Principal)
_BITS: Final = (8, 16, 32, 64)
_NUMBERS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "nat": _INTEGERS.map(abs),
    "int": _INTEGERS,
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
    **{f"nat{bits}": st.integers(0, 2**bits - 1) for bits in _BITS},
    **{f"int{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in _BITS},
}
_OTHERS: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "null": st.none(),
    "reserved": st.none(),
    "bool": st.booleans(),
    "text": _TEXTS,
}


def values(
    type_: Type | str, *, principals: st.SearchStrategy[Principal] = _PRINCIPALS
) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a Candid type, given as a type or as text such as `record { age : nat8 }`.

    Recursive types end after some levels. `principals` is where principals come from, such as the callers of a test.
    Raises `CandidError` for a text that is no type, `InputError` for a type without values.
    """
    actual = _parsed(type_) if isinstance(type_, str) else type_
    depths = _Depths(actual)
    if math.isinf(depths.of(actual)):
        raise InputError(f"the type {candid.format_type(actual)} has no values")
    return _Values(depths, principals).of(actual)


def arguments(
    service: Service | str, method: str, *, principals: st.SearchStrategy[Principal] = _PRINCIPALS
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for the arguments of a method, as tuples: `canister.call(method, *args)`.

    `service` is the interface, or its text as a `.did` file has it (`lifecycle(canister).candid`). Raises
    `CandidError` for a text that is no interface, `InputError` when it has no such method or no arguments fit it.
    """
    known = candid.parse(service) if isinstance(service, str) else service
    if method not in known.methods:
        raise InputError(f"the interface has no method {method!r}; {suggest(method, known.methods)}")
    types = known.methods[method].arg_types
    return st.tuples(*(values(type_, principals=principals) for type_ in types))


def _parsed(text: str) -> Type:
    types = candid.parse_types(text if text.lstrip().startswith("(") else f"({text})")
    if len(types) != 1:
        raise InputError(f"one type is expected, not {len(types)}: {text}")
    return types[0]


class _Depths:
    """How many levels the shallowest value of each type has; infinity where there is none."""

    def __init__(self, root: Type) -> None:
        self._known: dict[int, float] = {}
        self._types: dict[int, Type] = {}
        self._collect(root)
        changed = True
        while changed:  # depths only fall, and the shallowest value has no type twice on one path
            changed = False
            for key, type_ in self._types.items():
                depth = self._computed(type_)
                if depth < self._known[key]:
                    self._known[key], changed = depth, True

    def of(self, type_: Type) -> float:
        """Return the depth of a type below the root."""
        return self._known[id(resolve(type_))]

    def _collect(self, root: Type) -> None:
        left = [root]
        while left:
            actual = resolve(left.pop())
            if id(actual) not in self._types:
                self._types[id(actual)], self._known[id(actual)] = actual, math.inf
                left.extend(_below(actual))

    def _computed(self, type_: Type) -> float:
        if isinstance(type_, Record):
            return 1 + max((self.of(field.type) for field in type_.fields), default=0)
        if isinstance(type_, Variant):
            return 1 + min((self.of(field.type) for field in type_.fields), default=math.inf)
        return math.inf if type_ is candid.EMPTY else 0


def _below(type_: Type) -> Iterator[Type]:
    if isinstance(type_, candid.Opt | candid.Vec):
        yield type_.inner
    elif isinstance(type_, Record | Variant):
        yield from (field.type for field in type_.fields)


@dataclass(frozen=True)
class _Values:
    depths: _Depths
    principals: st.SearchStrategy[Principal]

    def of(self, type_: Type, depth: int = 0) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a return for each kind
        """Return the strategy for a type that has values, `depth` levels below the root."""
        actual = resolve(type_)
        if isinstance(actual, candid.Prim):
            return self.principals if actual is candid.PRINCIPAL else {**_NUMBERS, **_OTHERS}[actual.name]
        if isinstance(actual, candid.Opt):
            return self._opt(actual.inner, depth)
        if isinstance(actual, candid.Vec):
            return self._vec(actual.inner, depth)
        if isinstance(actual, Record):
            return self._record(actual, depth)
        if isinstance(actual, Variant):
            return self._variant(actual, depth)
        if isinstance(actual, candid.Func):
            return st.builds(FuncRef, self.principals, _TEXTS)
        return st.builds(ServiceRef, self.principals)

    def _inner(self, type_: Type, depth: int) -> st.SearchStrategy[Any] | None:
        """What is inside an option or a vector; None where nothing can be, or the value is deep enough."""
        if depth >= _DEEP or math.isinf(self.depths.of(type_)):
            return None
        return st.deferred(lambda: self.of(type_, depth + 1))

    def _opt(self, type_: Type, depth: int) -> st.SearchStrategy[Any]:
        inner = self._inner(type_, depth)
        if inner is None:
            return st.none()
        return st.none() | (inner.map(Some) if nullable(type_) else inner)

    def _vec(self, type_: Type, depth: int) -> st.SearchStrategy[Any]:
        if resolve(type_) is candid.NAT8:
            return _BLOBS
        inner = self._inner(type_, depth)
        return st.builds(list) if inner is None else st.lists(inner, max_size=_MANY)

    def _record(self, type_: Record, depth: int) -> st.SearchStrategy[Any]:
        fields = {field.key: st.deferred(_later(self, field.type, depth)) for field in type_.fields}
        return st.tuples(*fields.values()) if type_.is_tuple else st.fixed_dictionaries(fields)

    def _variant(self, type_: Variant, depth: int) -> st.SearchStrategy[Any]:
        cases: Sequence[candid.Field] = [
            field for field in type_.fields if not math.isinf(self.depths.of(field.type))
        ]
        if depth >= _DEEP:
            cases = [min(cases, key=lambda field: self.depths.of(field.type))]
        return st.one_of(
            *(
                st.fixed_dictionaries({field.key: st.deferred(_later(self, field.type, depth))})
                for field in cases
            )
        )


def _later(made: _Values, type_: Type, depth: int) -> Any:
    """Return what makes the strategy when it is first needed: a recursive type would need its own at once."""
    return lambda: made.of(type_, depth + 1)
