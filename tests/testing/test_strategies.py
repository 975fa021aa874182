"""Strategies from Candid types: every value fits its type, recursive types end, types without values are refused."""

from __future__ import annotations

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from ic_harness import candid
from ic_harness.errors import CandidError, InputError
from ic_harness.principal import Principal
from ic_harness.testing.strategies import arguments, values
from tests.candid.strategies import TYPES, is_inhabited

LEDGER = """
type Tree = variant { leaf; node : record { left : Tree; right : Tree; weight : nat16 } };
type List = opt record { head : text; tail : List };
type Never = record { never : Never };
service : {
  plant : (Tree, List) -> () query;
  nothing : () -> ();
  impossible : (Never) -> ();
}
"""
OWNER = Principal(b"owner")


@given(st.data())
@settings(deadline=None)
def test_values_fit_their_type(data):
    """What is drawn for a type is encoded at it, and read back as it was."""
    type_ = data.draw(TYPES.filter(is_inhabited))
    value = data.draw(values(type_))
    assert candid.decode(candid.encode([value], [type_]), [type_]) == (value,)


def test_blobs_are_short_or_as_long_as_a_hash():
    """Subaccounts and SHA-256 values are blobs by their type, and canisters take them with 32 bytes only."""
    assert find(values("blob"), lambda blob: len(blob) == 32) == bytes(32)
    assert find(values("blob"), lambda _: True) == b""


@given(arguments(LEDGER, "plant"))
@settings(deadline=None)
def test_recursive_arguments_end(drawn):
    """Trees and lists have some levels, and are encoded as the arguments of their method."""
    types = candid.parse(LEDGER).methods["plant"].arg_types
    assert candid.decode(candid.encode(drawn, types), types) == drawn


def test_recursive_values_are_not_all_flat():
    """Cases that go on are drawn too."""
    (tree, _) = find(arguments(LEDGER, "plant"), lambda drawn: "node" in drawn[0])
    assert tree["node"] == {"left": {"leaf": None}, "right": {"leaf": None}, "weight": 0}


def test_types_may_be_text():
    """A type is given as in a `.did` file; a method without arguments has the empty tuple."""
    assert find(values("record { age : nat8 }"), lambda value: value["age"] > 200) == {"age": 201}
    assert find(values("(opt opt nat)"), lambda value: value is not None) == candid.Some(None)
    assert find(arguments(LEDGER, "nothing"), lambda _: True) == ()


def test_principals_of_the_caller():
    """Principals come from where the test says, also those in references."""
    mine = st.just(OWNER)
    assert find(values("principal", principals=mine), lambda _: True) == OWNER
    found = find(
        values("record { func () -> (); opt service {} }", principals=mine), lambda it: it[1] is not None
    )
    assert (found[0].principal, found[1].principal) == (OWNER, OWNER)


@pytest.mark.parametrize("type_", ["empty", "variant {}", "record { a : empty }"])
def test_types_without_values_are_refused(type_):
    """There is nothing to draw, and the error says so before any example runs."""
    with pytest.raises(InputError, match="has no values"):
        values(type_)


def test_bad_input_is_refused():
    """Unknown methods, texts that are no type, and methods that nobody can call."""
    with pytest.raises(InputError, match=r"no method 'plants'; did you mean plant\?"):
        arguments(LEDGER, "plants")
    with pytest.raises(InputError, match="has no values"):
        arguments(LEDGER, "impossible")
    with pytest.raises(InputError, match="one type is expected, not 2"):
        values("(nat, nat)")
    with pytest.raises(CandidError):
        values("record {")
