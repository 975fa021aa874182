"""LEB128 numbers of any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.candid.leb128 import read_signed, read_unsigned
from ic_harness.candid.primitive_writers import encode_signed, encode_unsigned
from ic_harness.errors import CandidError

ANY = st.one_of(st.integers(-300, 300), st.integers(-(2**70), 2**70), st.integers(-(2**3000), 2**3000))


@given(ANY)
def test_round_trip(value):
    """A number is read back from its shortest form, and the position is behind it."""
    signed = encode_signed(value)
    assert read_signed(signed + b"\x7f", 0) == (value, len(signed))
    unsigned = encode_unsigned(abs(value))
    assert read_unsigned(b"\x00" + unsigned, 1) == (abs(value), len(unsigned) + 1)


@given(ANY, st.integers(1, 80))
def test_overlong_forms(value, extra):
    """Overlong forms are the same number."""
    signed = bytearray(encode_signed(value))
    unsigned = bytearray(encode_unsigned(abs(value)))
    fill = 127 if value < 0 else 0
    for data, padding in ((signed, fill), (unsigned, 0)):
        data[-1] |= 128
        data.extend([padding | 128] * (extra - 1) + [padding])
    assert read_signed(bytes(signed), 0) == (value, len(signed))
    assert read_unsigned(bytes(unsigned), 0) == (abs(value), len(unsigned))


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1000])
def test_unfinished_numbers(size):
    """Data that end inside a number are refused at its beginning."""
    for read in (read_unsigned, read_signed):
        with pytest.raises(CandidError) as caught:
            read(b"xx" + b"\xff" * size, 2)
        assert caught.value.offset == 2


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (127, "7f"), (128, "8001"), (624_485, "e58e26"), (2**64 - 1, "ffffffffffffffffff01")],
)
def test_known_unsigned(value, data):
    """Known forms."""
    assert encode_unsigned(value).hex() == data


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (-1, "7f"), (63, "3f"), (64, "c000"), (-64, "40"), (-65, "bf7f"), (-123_456, "c0bb78")],
)
def test_known_signed(value, data):
    """Known forms."""
    assert encode_signed(value).hex() == data
