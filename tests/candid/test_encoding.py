"""Encoding: what Python values are taken, and how wrong ones are refused."""

from __future__ import annotations

import math

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError, FuncRef, ServiceRef, Some
from ic_harness.principal import Principal


def _trip(value, types):
    parsed = candid.parse_types(types)
    return candid.decode(candid.encode([value], parsed), parsed)[0]


def test_known_bytes():
    """The bytes of a small message are those of the specification."""
    assert candid.encode([42, "hi"], candid.parse_types("(nat, text)")) == b"DIDL\x00\x02\x7d\x71\x2a\x02hi"
    assert candid.encode([{"a": None}], candid.parse_types("(record { a : opt bool })")) == (
        b"DIDL\x02\x6c\x01\x61\x01\x6e\x7e\x01\x00\x00"
    )


@pytest.mark.parametrize(
    "blob", [b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff"), [0, 255], (0, 255)]
)
def test_blobs(blob):
    """A blob is whatever holds bytes, or small numbers."""
    assert _trip(blob, "(blob)") == b"\x00\xff"


def test_memoryviews_of_other_shapes():
    """A memoryview counts by its bytes, also when its items are larger or it has steps."""
    assert _trip(memoryview(b"abcdefgh").cast("I"), "(blob)") == b"abcdefgh"
    assert _trip(memoryview(b"abcdef")[::2], "(blob)") == b"ace"


def test_options():
    """An option is None or the value; `Some` is taken everywhere, and needed where the value may be null."""
    assert _trip(Some(5), "(opt nat)") == 5
    assert _trip(None, "(opt opt nat)") is None
    assert _trip(Some(None), "(opt opt nat)") == Some(None)
    assert _trip(5, "(opt opt nat)") == Some(5)
    assert _trip(Some(None), "(opt null)") == Some(None)
    assert _trip(Some(Some(Some(1))), "(opt opt opt nat8)") == Some(Some(1))


def test_records():
    """Records are dicts; fields that may be null may be left out; a tuple may be a dict by number."""
    assert _trip({"a": 1}, "(record { a : nat; b : opt text; c : reserved })") == {
        "a": 1,
        "b": None,
        "c": None,
    }
    assert _trip([1, "x"], "(record { nat; text })") == (1, "x")
    assert _trip({0: 1, 1: "x"}, "(record { nat; text })") == (1, "x")
    assert _trip({5: 1}, "(record { 5 : nat })") == {5: 1}
    assert _trip({}, "(record {})") == {}
    assert _trip((), "(record {})") == {}


def test_variants():
    """Variants are dicts with one key, or the bare name of a case without value."""
    types = "(variant { Ok : nat; Empty; 5 })"
    assert _trip({"Ok": 1}, types) == {"Ok": 1}
    assert _trip("Empty", types) == {"Empty": None}
    assert _trip({5: None}, types) == {5: None}


def test_references():
    """References take their own classes, principals in each form, and pairs for functions."""
    principal = Principal(b"\x01\x02")
    assert _trip(str(principal), "(principal)") == principal
    assert _trip(ServiceRef(principal), "(principal)") == principal
    assert _trip(principal, "(service {})") == ServiceRef(principal)
    assert _trip((principal, "go"), "(func () -> ())") == FuncRef(principal, "go")


def test_floats():
    """Floats keep infinities and nan; ints are taken as floats."""
    assert _trip(3, "(float64)") == 3.0
    assert _trip(math.inf, "(float32)") == math.inf
    assert math.isnan(_trip(math.nan, "(float64)"))
    assert _trip(0.1, "(float32)") == pytest.approx(0.1)


def test_trailing_arguments_may_be_left_out():
    """Arguments at the end that may be null need not be given."""
    types = candid.parse_types("(nat, opt text, null)")
    assert candid.decode(candid.encode([1], types), types) == (1, None, None)


WRONG = [
    ("(nat)", [-1], "args[0]"),
    ("(nat)", [True], "args[0]"),
    ("(nat)", ["1"], "args[0]"),
    ("(int)", [1.0], "args[0]"),
    ("(nat8)", [256], "args[0]"),
    ("(int8)", [-129], "args[0]"),
    ("(nat64)", [2**64], "args[0]"),
    ("(bool)", [1], "args[0]"),
    ("(float64)", ["x"], "args[0]"),
    ("(float64)", [True], "args[0]"),
    ("(float32)", [1e300], "args[0]"),
    ("(float64)", [10**400], "args[0]"),
    ("(text)", [b"x"], "args[0]"),
    ("(text)", ["\ud800"], "args[0]"),
    ("(null)", [0], "args[0]"),
    ("(empty)", [None], "args[0]"),
    ("(principal)", ["not one"], "args[0]"),
    ("(principal)", [5], "args[0]"),
    ("(blob)", ["x"], "args[0]"),
    ("(blob)", [[256]], "args[0]"),
    ("(blob)", [["x"]], "args[0]"),
    ("(vec nat)", ["12"], "args[0]"),
    ("(vec nat)", [b"12"], "args[0]"),
    ("(vec nat)", [{1: 2}], "args[0]"),
    ("(vec nat8, vec nat16)", [b"", [1, 70000]], "args[1][1]"),
    ("(vec nat16)", [[1, True]], "args[0][1]"),
    ("(vec record { a : vec nat })", [[{"a": []}, {"a": [1, -1]}]], "args[0][1].a[1]"),
    ("(record { a : nat })", [{}], "args[0]"),
    ("(record { a : nat })", [{"a": 1, "b": 2}], "args[0]"),
    ("(record { a : nat })", [5], "args[0]"),
    ("(record { nat; nat })", [(1, 2, 3)], "args[0]"),
    ("(record { nat; nat })", [(1, -2)], "args[0].1"),
    ("(opt record { a : nat })", [{"a": "x"}], "args[0].a"),
    ("(variant { A : nat })", [{"B": 1}], "args[0]"),
    ("(variant { A : nat })", [{"A": -1}], "args[0].A"),
    ("(variant { A : nat })", [{"A": 1, "B": 2}], "args[0]"),
    ("(variant { A : nat })", [5], "args[0]"),
    ("(variant { A : nat })", ["A"], "args[0].A"),
    ("(func () -> ())", ["x"], "args[0]"),
    ("(func () -> ())", [("aaaaa-aa", 5)], "args[0]"),
    ("(nat, nat)", [1], "args"),
    ("(nat)", [1, 2], "args"),
]


@pytest.mark.parametrize(("types", "values", "path"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_values_are_refused_with_their_path(types, values, path):
    """A value that does not fit its type is a `CandidError` with its path and what was expected."""
    with pytest.raises(CandidError) as caught:
        candid.encode(values, candid.parse_types(types))
    assert caught.value.path == path
    assert caught.value.expected


def test_long_values_are_cut_in_messages():
    """The text of an error does not hold the whole value."""
    with pytest.raises(CandidError) as caught:
        candid.encode(["x" * 10_000], candid.parse_types("(nat)"))
    assert len(str(caught.value)) < 200


def test_values_that_contain_themselves_are_refused():
    """A Python value without an end is an error, not a crash."""
    types = candid.parse("type L = record { opt L }; service : { f : (L) -> () }").methods["f"].arg_types
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(CandidError, match="deep"):
        candid.encode([endless], types)


def test_equal_types_share_an_entry_of_the_table():
    """A type that is used twice is written once."""
    once = candid.encode([[1], [2]], candid.parse_types("(vec nat, vec nat)"))
    assert once.startswith(b"DIDL\x01\x6d\x7d\x02\x00\x00")
