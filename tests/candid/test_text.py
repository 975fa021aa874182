"""Values as text: how they are laid out, read without types, and refused."""

from __future__ import annotations

import math

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError, FuncRef, ServiceRef, Some
from ic_harness.principal import Principal


def _show(value, types):
    return candid.format_values([value], candid.parse_types(types))


def test_short_values_stand_on_one_line():
    """What fits a line stays on it; numbers of fixed size carry their type."""
    types = candid.parse_types("(nat8, vec text, record { x : opt int }, opt nat16)")
    text = candid.format_values([42, ["a"], {"x": 1}, 7], types)
    assert text == '(42 : nat8, vec { "a" }, record { x = opt 1 }, opt (7 : nat16))'


def test_long_values_have_a_line_for_each_item():
    """A changed item of a long value changes its own line only."""
    types = candid.parse_types("(vec record { id : nat; name : text })")
    items = [{"id": i, "name": "photo" * 4} for i in range(4)]
    before = candid.format_values([items], types).splitlines()
    items[2]["id"] = 99
    after = candid.format_values([items], types).splitlines()
    assert before[:2] == ["(", "  vec {"]
    assert [a for a, b in zip(before, after, strict=True) if a != b] == [
        '    record { id = 2; name = "photophotophotophoto" };'
    ]


@pytest.mark.parametrize(
    ("value", "types", "text"),
    [
        (None, "(null)", "(null)"),
        (None, "(opt nat)", "(null)"),
        (Some(None), "(opt opt nat)", "(opt null)"),
        (5, "(opt opt nat)", "(opt opt 5)"),
        (1_234_567, "(nat)", "(1_234_567)"),
        (-5, "(int)", "(-5)"),
        (True, "(bool)", "(true)"),
        (1.5, "(float64)", "(1.5 : float64)"),
        (math.inf, "(float64)", "(1e999 : float64)"),
        (math.nan, "(float32)", "(nan : float32)"),
        ('a"b\\c\n\t\u0007☃', "(text)", '("a\\"b\\\\c\\n\\t\\u{7}☃")'),
        (b'\x00a"\\\xff', "(blob)", '(blob "\\00a\\22\\5c\\ff")'),
        ({}, "(record {})", "(record {})"),
        ([], "(vec nat)", "(vec {})"),
        ((1, "x"), "(record { nat; text })", '(record { 1; "x" })'),
        ({"type": 1, "ä": 2}, '(record { "type" : nat; "ä" : nat })', '(record { "type" = 1; "ä" = 2 })'),
        ({7: 1}, "(record { 7 : nat })", "(record { 7 = 1 })"),
        ("A", "(variant { A; B : nat })", "(variant { A })"),
        ({"B": 5}, "(variant { A; B : nat })", "(variant { B = 5 })"),
        (Principal.management(), "(principal)", '(principal "aaaaa-aa")'),
        (ServiceRef(Principal.management()), "(service {})", '(service "aaaaa-aa")'),
        (FuncRef(Principal.management(), "raw rand"), "(func () -> ())", '(func "aaaaa-aa"."raw rand")'),
        ("anything", "(reserved)", "(null)"),
    ],
    ids=repr,
)
def test_forms(value, types, text):
    """Each kind of value is written as the grammar defines."""
    assert _show(value, types) == text


def test_huge_numbers():
    """Numbers beyond Python's limit for decimal text are written and read in hexadecimal."""
    for value in (10**5000, -(10**5000)):
        text = _show(value, "(int)")
        assert candid.parse_values(text, candid.parse_types("(int)")) == (value,)
    with pytest.raises(CandidError, match="hexadecimal"):
        candid.parse_values(f"({'9' * 5000})")


def test_values_without_types():
    """Without types the text decides: numbers, lists, dicts, tuples, and `Some` only where it is needed."""
    text = """(1, -2, 1.5, 0x10, "a", true, null, opt 5, opt null, vec { 1; 2 }, blob "\\00",
               record { a = 1; 5 = 2 }, record { 1; 2 }, record {}, variant { A }, variant { B = 1 },
               principal "aaaaa-aa", (300 : nat16))"""
    assert candid.parse_values(text) == (
        1, -2, 1.5, 16, "a", True, None, 5, Some(None), [1, 2], b"\x00",
        {"a": 1, 5: 2}, (1, 2), {}, {"A": None}, {"B": 1},
        Principal.management(), 300,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "types", "path"),
    [
        ("(1, vec { record { a = true } })", "(nat, vec record { a : nat })", "args[1][0].a"),
        ("(record {})", "(record { a : nat })", "args[0]"),
        ("()", "(nat)", "args[0]"),
        ("(300)", "(nat8)", "args[0]"),
        ("(variant { B })", "(variant { A })", "args[0]"),
        ("(1 : text)", "(nat)", "args[0]"),
    ],
)
def test_values_that_do_not_fit(text, types, path):
    """A textual value that does not fit its type is refused with its path."""
    with pytest.raises(CandidError) as caught:
        candid.parse_values(text, candid.parse_types(types))
    assert caught.value.path == path


NO_VALUES = ["", "5", "(", "(5", "(a)", "(vec)", "(opt)", "(5 : )", "(record { a = })", "(;)"]


@pytest.mark.parametrize("text", NO_VALUES)
def test_text_that_is_no_value(text):
    """Text that is no sequence of values is refused with an offset."""
    with pytest.raises(CandidError) as caught:
        candid.parse_values(text)
    assert caught.value.offset is not None


@pytest.mark.parametrize(("head", "tail"), [("opt ", ""), ("(", ")"), ("vec {", "}"), ("record {", "}")])
def test_deep_text_is_refused(head, tail):
    """Text nested too deeply to be read is refused."""
    with pytest.raises(CandidError, match="deep"):
        candid.parse_values(f"({head * 5000}1{tail * 5000})")


def test_formatting_checks_its_values():
    """A value that does not fit its type cannot be written, with the path."""
    with pytest.raises(CandidError) as caught:
        candid.format_values([{"a": "x"}], candid.parse_types("(record { a : nat })"))
    assert caught.value.path == "args[0].a"
