"""Decoding at other types, and the exact errors of malformed values: message, byte and path."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError, Some
from ic_harness.candid.decoding import Decoder, quota
from ic_harness.candid.header_writer import write_header
from ic_harness.candid.primitive_readers import MAX_DEPTH
from ic_harness.candid.primitive_writers import encode_unsigned
from ic_harness.candid.sizes import Sizes
from ic_harness.candid.types import resolve

LISTS = candid.parse("type L = opt record { nat8; L }; type O = opt O; service : { f : (L) -> (O) }").methods[
    "f"
]


def _decode(wire: str, value: object, expected: str) -> object:
    """Encode a value at one type and decode it at another."""
    message = candid.encode([value], candid.parse_types(f"({wire})"))
    return candid.decode(message, candid.parse_types(f"({expected})"))[0]


@pytest.fixture
def deep_stack() -> Iterator[None]:
    """A recursion limit that no test reaches, so that only explicit limits refuse nested values."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("wire", "value", "expected", "result"),
    [
        ("record { a : nat; b : text }", {"a": 1, "b": "x"}, "record { b : text }", {"b": "x"}),
        ("record { b : text }", {"b": "x"}, "record { a : opt nat; b : text }", {"a": None, "b": "x"}),
        ("record { nat; text; bool }", (1, "x", True), "record { nat; text }", (1, "x")),
        ("record { 1 : text }", {1: "x"}, "record { opt nat; text }", (None, "x")),
        ("record { a : opt nat }", {"a": None}, "record { a : opt nat }", {"a": None}),
        ("record { a : opt opt nat }", {"a": Some(None)}, "record { a : opt opt nat }", {"a": Some(None)}),
        ("record { a : opt text }", {"a": "x"}, "record { a : opt nat; b : opt nat }", {"a": None, "b": None}),
        ("record { a : opt nat }", {"a": 1}, "record { a : reserved }", {"a": None}),
        ("variant { A; B : nat }", {"B": 200}, "opt variant { B : nat }", {"B": 200}),
        ("variant { A; B : nat }", {"A": None}, "opt variant { B : nat }", None),
        ("variant { A : text }", {"A": "x"}, "opt variant { A : nat }", None),
        ("vec text", ["x"], "opt vec nat", None),
        ("vec text", [], "opt vec nat", []),
        ("vec text", [], "opt blob", b""),
        ("record { a : text }", {"a": "x"}, "opt record { a : text; b : nat }", None),
        ("vec variant { A; B }", [{"A": None}, {"B": None}], "vec opt variant { A }", [{"A": None}, None]),
        ("nat", 300, "opt int", 300),
        ("nat", 5, "opt opt nat", Some(5)),
        ("null", None, "opt nat", None),
        ("vec nat", [1, 300], "vec int", [1, 300]),
        ("vec nat64", [1, 2**64 - 1], "vec nat64", [1, 2**64 - 1]),
        ("vec float32", [1.5], "vec float32", [1.5]),
    ],
)  # fmt: skip
def test_values_at_other_types(wire: str, value: object, expected: str, result: object) -> None:
    """A value is coerced by the rules of the specification, and becomes null in an option that it does not fit."""
    found = _decode(wire, value, expected)
    assert repr(found) == repr(result)


def test_a_mismatch_does_not_leave_its_option() -> None:
    """Only the option whose value does not fit is null: neither its neighbours nor options around it."""
    wire = "vec record { opt variant { A; B }; opt nat }"
    value = [({"B": None}, 1), ({"A": None}, 2)]
    assert _decode(wire, value, "vec record { opt variant { A }; opt nat }") == [(None, 1), ({"A": None}, 2)]
    assert _decode(f"opt {wire}", value, "opt vec record { opt variant { A }; opt nat }") == [
        (None, 1), ({"A": None}, 2),
    ]  # fmt: skip
    assert _decode("opt record { text; opt text }", ("x", "y"), "opt record { nat; opt nat }") is None


def test_fields_keep_the_order_of_the_expected_type() -> None:
    """Keys of a record are in the order of the text, not of the labels."""
    names = ["zebra", "apple", "mango", "kiwi"]
    record = "record { " + "; ".join(f"{name} : nat" for name in names) + " }"
    found = _decode(record, dict.fromkeys(names, 1), record)
    assert isinstance(found, dict)
    assert list(found) == names


@pytest.mark.parametrize("length", [0, 1, 127, 128, 300])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_lengths_at_the_border_of_a_byte(length: int, kind: type[bytes]) -> None:
    """Texts, numbers and options are read alike where they need one byte and more, in place or copied."""
    types = candid.parse_types(
        "(record { a : text; b : opt text; c : nat; d : bool }, vec text, vec nat, blob)"
    )
    text = "ä" * (length // 2) + "x" * (length % 2)
    values = ({"a": text, "b": text, "c": length, "d": True}, [text, ""], [length, 1], bytes(5_000))
    message = kind(candid.encode(values, types))
    assert candid.decode(message, types) == values
    assert candid.decode(message, candid.parse_types("(reserved, reserved, vec nat)")) == (
        None,
        None,
        values[2],
    )


# The parts of messages: a header for each type, and values as bytes.
ERRORS = [
    ("bool", b"\x02", "2 is no truth value", 0, "args[0]"),
    ("opt nat", b"\x02\x00", "2 is no tag of an option", 0, "args[0]"),
    ("record { a : opt nat }", b"\x02\x00", "2 is no tag of an option", 0, "args[0].a"),
    ("variant { A; B : nat }", b"\x02", "case 2 of a variant with 2 cases", 0, "args[0]"),
    ("variant { A; B : nat }", b"\x80\x01", "case 128 of a variant with 2 cases", 0, "args[0]"),
    ("variant { A; B : text }", b"\x01\x01", "the message ends inside a value", 2, "args[0].B"),
    ("text", b"\x03ab", "the message ends inside a value", 1, "args[0]"),
    ("text", b"\x03a\xffb", "a text is not UTF-8", 2, "args[0]"),
    ("blob", b"\x03ab", "the message ends inside a value", 1, "args[0]"),
    ("vec nat16", b"\x02abc", "the message ends inside a value", 1, "args[0]"),
    ("vec text", b"\x03ab", "3 elements announced, 2 bytes left", 1, "args[0]"),
    ("vec nat", b"\x02\x01\x80", "the message ends inside a number", 2, "args[0][1]"),
    ("nat64", b"1234567", "the message ends inside a value", 0, "args[0]"),
    ("record { a : text }", b"\x03a\xffb", "a text is not UTF-8", 2, "args[0].a"),
    ("record { a : opt text }", b"\x01\x03a\xffb", "a text is not UTF-8", 3, "args[0].a"),
    ("record { a : text }", b"\x80\x01a", "the message ends inside a value", 2, "args[0].a"),
    ("record { a : bool }", b"\x02", "2 is no truth value", 0, "args[0].a"),
    ("record { a : variant { A; B } }", b"\x02", "case 2 of a variant with 2 cases", 0, "args[0].a"),
    ("vec text", b"\x01\x02a\xff", "a text is not UTF-8", 3, "args[0][0]"),
    ("vec bool", b"\x02\x01\x02", "2 is no truth value", 2, "args[0][1]"),
    ("vec variant { A; B }", b"\x02\x01\x02", "case 2 of a variant with 2 cases", 2, "args[0][1]"),
    ("record { nat8; nat8 }", b"\x01", "the message ends inside a value", 1, "args[0].1"),
    ("principal", b"\x00", "an opaque reference, which no message can carry", 0, "args[0]"),
    ("principal", b"\x02\x00", "no reference", 0, "args[0]"),
    ("principal", b"\x01\x1e" + bytes(30), "a principal of 30 bytes", 0, "args[0]"),
    ("principal", b"\x01\x02a", "the message ends inside a value", 0, "args[0]"),
    ("func () -> ()", b"\x00", "an opaque reference, which no message can carry", 0, "args[0]"),
    ("func () -> ()", b"\x02", "no reference", 0, "args[0]"),
    ("func () -> ()", b"\x01\x01\x00\x02a", "the message ends inside a value", 4, "args[0]"),
    ("empty", b"", "a value of the type empty, which has none", 0, "args[0]"),
    ("nat8", b"\x01\x02", "1 bytes are left over behind the last value", 1, None),
]


def _header(wire: str) -> bytes:
    """The header of messages with one argument of a type."""
    return write_header(candid.parse_types(f"({wire})"))


@pytest.mark.parametrize(("wire", "values", "message", "offset", "path"), ERRORS)
def test_errors_name_message_byte_and_path(
    wire: str, values: bytes, message: str, offset: int, path: str | None
) -> None:
    """A malformed value is reported with what is wrong, its byte, and its path."""
    header = _header(wire)
    with pytest.raises(CandidError) as caught:
        candid.decode(header + values, candid.parse_types(f"({wire})"))
    assert (caught.value.message, caught.value.offset, caught.value.path) == (
        message, len(header) + offset, path,
    )  # fmt: skip


@pytest.mark.parametrize(("wire", "values", "message", "_offset", "_path"), ERRORS[:-1])
def test_skipped_values_are_checked(wire: str, values: bytes, message: str, _offset: int, _path: str) -> None:
    """A skipped value is validated, too."""
    found = "the message ends inside a value" if "left" in message else message
    with pytest.raises(CandidError) as caught:
        candid.decode(_header(wire) + values, ())
    assert caught.value.message in (message, found)


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("vec nat16", [1, 2, 3]), ("vec record { text; opt nat }", [("a", 1), ("b", None)]), ("nat64", 5),
        ("variant { A; B : text }", {"B": "x"}), ("vec null", [None] * 5), ("func () -> ()", None),
        ("record { a : null; b : record {} }", {"a": None, "b": {}}), ("int", -(2**70)), ("bool", True),
        ("vec vec text", [[], ["x"]]), ("opt opt bool", Some(None)), ("service {}", None), ("text", "x" * 200),
    ],
)  # fmt: skip
def test_skipping_ends_behind_the_value(wire: str, value: object) -> None:
    """The value behind a skipped one is found."""
    if value is None:
        value = ("aaaaa-aa", "m") if wire.startswith("func") else "aaaaa-aa"
    message = candid.encode(
        [{"a": value, "b": 7}, 9], candid.parse_types(f"(record {{ a : {wire}; b : nat }}, nat)")
    )
    assert candid.decode(message, candid.parse_types("(record { b : nat }, nat)")) == ({"b": 7}, 9)
    assert candid.decode(message, candid.parse_types("(reserved, nat)")) == (None, 9)


@pytest.mark.usefixtures("deep_stack")
@pytest.mark.parametrize("skipped", [False, True])
def test_depth_does_not_depend_on_the_recursion_limit(skipped: bool) -> None:  # noqa: FBT001 - a parameter
    """Nested values are refused at `MAX_DEPTH`, however deep Python may recurse."""
    header = write_header(LISTS.arg_types)
    types = () if skipped else LISTS.arg_types
    # A skipped option is a level of its own.
    deepest = MAX_DEPTH // 2 if skipped else MAX_DEPTH
    candid.decode(header + b"\x01\x05" * deepest + b"\x00", types)
    with pytest.raises(CandidError, match=f"more than {MAX_DEPTH} levels deep") as caught:
        candid.decode(header + b"\x01\x05" * (deepest + 1) + b"\x00", types)
    assert caught.value.offset == len(header) + 2 * deepest + 1


NESTED = {
    "options": ("type T = opt T", b"\x01"),
    "vectors": ("type T = vec T", b"\x01"),
    "variants": ("type T = variant { A : T; B }", b"\x00"),
    "records": ("type T = record { T }", b""),
}


@pytest.mark.usefixtures("deep_stack")
@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("skipped", [False, True])
def test_each_composite_counts_as_a_level(name: str, skipped: bool) -> None:  # noqa: FBT001 - a parameter
    """A value of any recursive type is refused below `MAX_DEPTH`, read or skipped."""
    definition, level = NESTED[name]
    types = candid.parse(f"{definition}; service : {{ f : (T) -> () }}").methods["f"].arg_types
    with pytest.raises(CandidError, match="levels deep") as caught:
        candid.decode(write_header(types) + level * 3_000, () if skipped else types)
    # Python's own limit, which has no path, was not reached.
    assert caught.value.path is not None
    assert caught.value.path.startswith("args[0]")


def test_options_without_end_hold_no_value() -> None:
    """At `type O = opt O` any other value would need endlessly many options; null is fine."""
    assert candid.decode(candid.encode([None], candid.parse_types("(null)")), LISTS.return_types) == (None,)
    with pytest.raises(CandidError, match="endlessly many options"):
        candid.decode(candid.encode([1], candid.parse_types("(nat)")), LISTS.return_types)


def test_principals_have_at_most_29_bytes() -> None:
    """A principal of 29 bytes is decoded; one of 30 is an error (above)."""
    types = candid.parse_types("(principal)")
    assert candid.decode(write_header(types) + b"\x01\x1d" + bytes(29), types)[0].raw == bytes(29)


def test_values_of_future_types_are_within_the_message() -> None:
    """The size of a value of a future type is checked against the message."""
    header = b"DIDL\x01\x67\x00\x01\x00"
    assert candid.decode(header + b"\x02\x00ab", candid.parse_types("(reserved)")) == (None,)
    assert candid.decode(header + b"\x02\x00ab", candid.parse_types("(opt nat)")) == (None,)
    with pytest.raises(CandidError, match="ends inside a value") as caught:
        candid.decode(header + b"\x03\x00ab", ())
    assert caught.value.offset == len(header) + 2


def test_missing_arguments_are_null_or_errors() -> None:
    """A missing argument is null where its type has null, and an error with its path elsewhere."""
    message = candid.encode([1], candid.parse_types("(nat)"))
    assert candid.decode(message, candid.parse_types("(nat, opt nat, null)")) == (1, None, None)
    with pytest.raises(CandidError, match="an argument is missing") as caught:
        candid.decode(message, candid.parse_types("(nat, text)"))
    assert (caught.value.path, caught.value.expected) == ("args[1]", "text")


def test_readers_are_kept_for_eight_headers() -> None:
    """A decoder builds the readers for a header once, and forgets the oldest of more than eight."""
    decoder = Decoder(candid.parse_types("(opt int)"))
    wires = [f"(opt nat{', bool' * extra})" for extra in range(9)]
    messages = [candid.encode([5, *[True] * i], candid.parse_types(w)) for i, w in enumerate(wires)]
    for message in messages:
        assert decoder(message) == (5,)
    kept = [read for _, read in decoder._readers]
    assert len(kept) == 8
    assert decoder(messages[8]) == (5,)
    assert [read for _, read in decoder._readers] == kept
    assert decoder(messages[0]) == (5,)
    assert decoder._readers[0][1] not in kept
    assert [read for _, read in decoder._readers[1:]] == kept[:7]


def test_too_many_readers_are_refused() -> None:
    """A message whose types need more readers than any real one is refused."""
    table = b"".join(
        b"\x6c"
        + encode_unsigned(1_000)
        + b"".join(encode_unsigned(i) + _index((entry + 1) % 60) for i in range(1_000))
        for entry in range(60)
    )
    data = b"DIDL" + encode_unsigned(60) + table + b"\x01\x00"
    with pytest.raises(CandidError, match="more than 50000 readers"):
        candid.decode(data, ())


def _index(number: int) -> bytes:
    return candid.encode([number], candid.parse_types("(int)"))[7:]


@pytest.mark.parametrize(
    ("text", "least", "charge"),
    [
        ("nat", 1, 0), ("nat32", 4, 0), ("float64", 8, 0), ("null", 0, 1), ("reserved", 0, 1), ("text", 1, 0),
        ("opt null", 1, 0), ("record {}", 0, 1), ("record { null; null }", 0, 3),
        ("record { record { null }; record {} }", 0, 4), ("record { nat64; bool }", 9, 0),
        ("record { record { nat16 }; nat }", 3, 0),
    ],
)  # fmt: skip
def test_smallest_sizes(text: str, least: int, charge: int) -> None:
    """The fewest bytes of a type's values, and what one without bytes costs of the quota."""
    (type_,) = candid.parse_types(f"({text})")
    sizes = Sizes()
    assert (sizes.least_bytes(type_), sizes.charge(type_)) == (least, charge)


def test_wide_records_cost_what_their_bytes_do_not_pay() -> None:
    """A record with many fields without bytes is charged beyond 16 nodes a byte, and 64 beside."""
    fields = "; ".join(["nat8", *["null"] * 200])
    (type_,) = candid.parse_types(f"(record {{ {fields} }})")
    sizes = Sizes()
    assert sizes.charge(type_) == 202 - 16 * (1 + 4)
    assert sizes.charge(type_, 10) == 212 - 16 * (1 + 4)
    assert sizes.charge(candid.parse_types("(record {})")[0], 7) == 8


def test_each_record_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that hold the next one fifty times are summed once each, so that time stays linear."""
    inner: candid.Type = candid.parse_types("(record { null })")[0]
    for _ in range(50):
        inner = candid.Record(tuple(candid.Field(index, None, inner) for index in range(50)))
    summed: list[int] = []
    sum_of = Sizes._sum

    def counted(sizes: Sizes, record: candid.Record) -> tuple[int, int]:
        summed.append(id(record))
        return sum_of(sizes, record)

    monkeypatch.setattr(Sizes, "_sum", counted)
    assert Sizes().least_bytes(inner) == 0
    assert len(summed) == len(set(summed)) == 51


def test_sizes_saturate() -> None:
    """Records that hold the next one twice have 2^60 nodes; sizes stop at 2^20."""
    inner = candid.parse_types("(record { null; null })")[0]
    for _ in range(60):
        inner = candid.Record((candid.Field(0, None, inner), candid.Field(1, None, inner)))
    assert Sizes().charge(inner) == 1 << 20
    assert resolve(inner) is inner


@pytest.mark.parametrize("skipped", [False, True])
def test_the_quota_is_exact(skipped: bool) -> None:  # noqa: FBT001 - a parameter
    """As many nulls are decoded as the quota has for the message's length, and not one more."""
    types = candid.parse_types("(vec null)")
    header = write_header(types)
    most = quota(len(header) + 3)
    assert most == 32_768 + 4 * (len(header) + 3)
    expected = () if skipped else types
    candid.decode(header + encode_unsigned(most), expected)
    with pytest.raises(CandidError, match="far more values"):
        candid.decode(header + encode_unsigned(most + 1), expected)


def test_records_without_bytes_use_the_quota() -> None:
    """Records without bytes are charged for themselves and for the fields that the expected type adds."""
    data = _header("vec record {}") + encode_unsigned(15_000)
    values = candid.decode(data, candid.parse_types("(vec record {}, opt nat)"))
    assert values == ([{}] * 15_000, None)
    with pytest.raises(CandidError, match="far more values"):
        candid.decode(data, candid.parse_types("(vec record { opt nat; null })"))


def test_numbers_of_more_than_one_byte() -> None:
    """Cases and lengths from 128 on, and overlong forms of small ones, are read and skipped."""
    cases = "variant { " + "; ".join(f"{label} : nat8" for label in range(200)) + " }"
    types = candid.parse_types(f"({cases}, vec text, text, blob, vec nat16)")
    values = ({150: 7}, ["x"] * 200, "y" * 200, b"z" * 200, [1] * 200)
    message = candid.encode(values, types)
    assert candid.decode(message, types) == values
    assert candid.decode(message, ()) == ()
    (variant, *_) = types
    overlong = write_header([variant]) + b"\x83\x80\x00\x05"
    assert candid.decode(overlong, [variant]) == ({3: 5},)
