"""Hypothesis strategies: random Candid types, recursive ones too, and values that fit them."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from ic_harness.candid.types import (
    EMPTY,
    PRIMITIVES,
    Field,
    Func,
    Named,
    Opt,
    Record,
    Type,
    Variant,
    Vec,
    field_hash,
    resolve,
)
from ic_harness.testing.strategies import values

NAMES = st.one_of(
    st.sampled_from(["a", "b", "foo", "bar", "type", "record", "Ok", "Err", "ohne Punkt", "☃", "", "x1"]),
    st.text(st.characters(codec="utf-8"), max_size=6),
)
PRIMITIVE_TYPES = st.sampled_from([prim for prim in PRIMITIVES if prim is not EMPTY])


@st.composite
def _fields(draw: st.DrawFn, inner: st.SearchStrategy[Type], least: int) -> tuple[Field, ...]:
    if draw(st.booleans()):
        size = draw(st.integers(least, 4))
        return tuple(Field(index, None, draw(inner)) for index in range(size))
    names = draw(st.lists(NAMES, min_size=least, max_size=4, unique_by=field_hash))
    fields = [Field(field_hash(name), name, draw(inner)) for name in names]
    return tuple(sorted(fields, key=lambda f: f.id))


def _composite(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.one_of(
        st.builds(Opt, inner),
        st.builds(Vec, inner),
        _fields(inner, 0).map(Record),
        _fields(inner, 1).map(Variant),
        st.builds(
            Func,
            st.lists(inner, max_size=2).map(tuple),
            st.lists(inner, max_size=2).map(tuple),
            st.sampled_from(["update", "query", "composite_query"]),
        ),
    )


PLAIN_TYPES: st.SearchStrategy[Type] = st.recursive(PRIMITIVE_TYPES, _composite, max_leaves=10)


@st.composite
def recursive_types(draw: st.DrawFn) -> Type:
    """A type that contains itself below an option or a vector, so that it has finite values."""
    named = Named("T")
    wrap = draw(st.sampled_from([Opt, Vec]))
    leaf = st.one_of(PLAIN_TYPES, st.just(wrap(named)))
    named.define(draw(_composite(leaf)))
    if isinstance(named.target, Func):
        return Opt(named)
    # `type T = opt T` is the one supertype of everything at which nothing but options decodes.
    assume(not is_endless(named))
    return named


def is_endless(type_: Type) -> bool:
    """Whether a type is nothing but options without end."""
    actual = resolve(type_)
    for _ in range(20):
        if not isinstance(actual, Opt):
            return False
        actual = resolve(actual.inner)
    return True


TYPES = st.one_of(PLAIN_TYPES, recursive_types())


def is_inhabited(type_: Type, seen: tuple[int, ...] = ()) -> bool:
    """Whether a type has values at all."""
    actual = resolve(type_)
    if isinstance(actual, Opt | Vec):
        return True
    if actual is EMPTY or id(actual) in seen:
        return False
    if isinstance(actual, Record):
        return all(is_inhabited(f.type, (*seen, id(actual))) for f in actual.fields)
    if isinstance(actual, Variant):
        return any(is_inhabited(f.type, (*seen, id(actual))) for f in actual.fields)
    return True


values_of = values


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[tuple[Type, ...], tuple[Any, ...]]:
    """Up to three types, with a value for each."""
    types = tuple(draw(st.lists(TYPES, max_size=3)))
    return types, tuple(draw(values_of(type_)) for type_ in types)
