"""The table of the management canister's methods."""

from __future__ import annotations

import inspect

import pytest

from ic_harness import candid
from ic_harness.replica.management import METHODS
from ic_harness.replica.management.call import interface
from ic_harness.replica.management.dispatch import load_handler


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_a_function(name):
    """The table names functions, which are loaded when first called: each is there, public, and takes the call."""
    handler = load_handler(METHODS[name])
    assert inspect.isfunction(handler)
    assert not handler.__name__.startswith("_")
    assert list(inspect.signature(handler).parameters) == ["call"]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_field_of_the_canister_is_in_the_argument(name):
    """The field that names the canister is one of the interface, and an argument without it has none."""
    fields: set[str | None] = set()
    for type_ in interface().methods[name].arg_types:
        record = candid.resolve(type_)
        assert isinstance(record, candid.Record)
        fields |= {field.name for field in record.fields}
    assert METHODS[name].canister_field in fields | {None}
