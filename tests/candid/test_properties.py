"""What holds for all types, values and bytes."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness import candid
from ic_harness.candid import CandidError

from .strategies import TYPES, typed_values

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@RELAXED
@given(typed_values())
def test_decoding_undoes_encoding(case):
    """A value decoded at the type it was encoded at is the same value."""
    types, values = case
    assert candid.decode(candid.encode(values, types), types) == values


@RELAXED
@given(typed_values())
def test_text_round_trip(case):
    """A value written as text is read back as the same value."""
    types, values = case
    text = candid.format_values(values, types)
    assert candid.parse_values(text, types) == values


@RELAXED
@given(typed_values())
def test_memoryviews_decode_like_bytes(case):
    """A message decodes alike from bytes, bytearray and memoryview."""
    types, values = case
    data = candid.encode(values, types) + b"\0" * 5000
    for buffer in (data, bytearray(data), memoryview(data)):
        with contextlib.suppress(CandidError):
            candid.decode(buffer, types)
    assert candid.decode(memoryview(data)[:-5000], types) == values


@RELAXED
@given(typed_values(), st.lists(TYPES, max_size=3))
def test_other_expected_types_give_values_or_errors(case, expected):
    """Decoding at unrelated types returns values of these types, or a `CandidError`."""
    types, values = case
    try:
        decoded = candid.decode(candid.encode(values, types), expected)
    except CandidError:
        return
    candid.encode(decoded, expected)


@RELAXED
@given(typed_values(), TYPES)
def test_subtyping_is_sound(case, wider):
    """When the wire type is a subtype of the expected one, decoding cannot fail."""
    types, values = case
    for type_, value in zip(types, values, strict=True):
        if candid.is_subtype(type_, wider):
            candid.decode(candid.encode([value], [type_]), [wider])


@RELAXED
@given(TYPES)
def test_subtyping_is_reflexive(type_):
    """Every type is a subtype of itself, of `reserved` and of an option of itself; `empty` is one of it."""
    assert candid.is_subtype(type_, type_)
    assert candid.is_subtype(type_, candid.RESERVED)
    assert candid.is_subtype(type_, candid.Opt(type_))
    assert candid.is_subtype(candid.EMPTY, type_)


@RELAXED
@given(typed_values(), st.data())
def test_mutated_messages_never_raise_anything_else(case, data):
    """A valid message with some bytes changed, cut or added decodes, or raises `CandidError`."""
    types, values = case
    message = bytearray(candid.encode(values, types))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(message)))
        replacement = data.draw(st.binary(max_size=3))
        message[position : position + data.draw(st.integers(0, 3))] = replacement
    with contextlib.suppress(CandidError):
        candid.decode(bytes(message), types)


@RELAXED
@given(st.binary(max_size=60), st.lists(TYPES, max_size=2))
def test_random_bytes_never_raise_anything_else(tail, types):
    """Random bytes behind the magic number decode, or raise `CandidError`."""
    for data in (tail, b"DIDL" + tail):
        with contextlib.suppress(CandidError):
            candid.decode(data, types)


@RELAXED
@given(st.text(max_size=40))
def test_random_text_never_raises_anything_else(text):
    """Random text is a value, an interface or types, or raises `CandidError`."""
    for read in (candid.parse_values, candid.parse, candid.parse_types):
        with contextlib.suppress(CandidError):
            read(text)


@RELAXED
@given(TYPES)
def test_types_round_trip_through_text(type_):
    """A type without names of its own written as text is read back as an equal type."""
    text = candid.format_type(type_)
    with contextlib.suppress(CandidError):
        again = candid.parse_types(f"({text})")
        assert candid.is_subtype(again[0], type_)
        assert candid.is_subtype(type_, again[0])
        assert candid.format_type(again[0]) == text
