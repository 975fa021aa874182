"""CBOR: equal to cbor2 where both apply, and bounded on hostile input."""

import contextlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import CborError
from ic_harness.protocol import cbor

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.binary(max_size=300)
    | st.text(max_size=300)
    | st.floats(allow_nan=False)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=9) | st.binary(max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(values)
def test_what_is_written_reads_back(value):
    """Decoding gives what was encoded, with and without the tag, and cbor2 reads the same."""
    assert cbor.decode(cbor.encode(value)) == value
    assert cbor.decode(cbor.encode(value, tagged=False)) == value
    assert cbor2.loads(cbor.encode(value, tagged=False)) == value


@given(values)
def test_reads_what_cbor2_writes(value):
    """What another encoder writes is read the same, also in indefinite lengths."""
    assert cbor.decode(cbor2.dumps(value)) == value
    assert cbor.decode(cbor2.dumps(cbor2.CBORTag(55799, value), indefinite_containers=True)) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_cbor_error(data):
    """Random bytes never raise anything but `CborError`."""
    with contextlib.suppress(CborError):
        cbor.decode(data)


def test_maps_are_plain_dicts_under_a_tag():
    """Whatever library the other side uses, a tagged map is a dict and an array a list."""
    decoded = cbor.decode(cbor2.dumps(cbor2.CBORTag(55799, {"a": [1, {"b": b"c"}]})))
    assert type(decoded) is dict
    assert type(decoded["a"]) is list


HOSTILE = {
    "nothing": "",
    "deep arrays": "81" * 100_000,
    "deep maps": "a100" * 50_000,
    "deep tags": "d9d9f7" * 50_000,
    "deep indefinite arrays": "9f" * 100_000,
    "huge array": "9bffffffffffffffff",
    "huge map": "bb7fffffffffffffff",
    "huge bytes": "5b7fffffffffffffff",
    "truncated bytes": "4401",
    "truncated head": "19ff",
    "trailing": "0101",
    "text in byte string": "5f6161ff",
    "no end": "5f4161",
    "break alone": "ff",
    "reserved": "1c",
    "indefinite integer": "1f",
    "date": "c0634e4f57",
    "regular expression": "d82361" + "61",
    "shared reference": "d81d00",
    "key twice": "a2616101616102",
    "list as key": "a18001",
    "bool as key": "a1f501",
    "bignum of text": "c26161",
    "long bignum": "c2590fff" + "ff" * 0xFFF,
    "not utf-8": "61ff",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_cbor_errors(raw):
    """Deep, cut, oversize or meaningless input is `CborError`, never a crash of the decoder."""
    with pytest.raises(CborError):
        cbor.decode(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, [object()], {"a": 1j}, 1 << 512, -1 - (1 << 512), "\ud800"]
)
def test_unknown_types_are_refused(value):
    """Only the types of the module's list are written, and only what can be read again."""
    with pytest.raises(CborError):
        cbor.encode(value)


def test_buffers_are_byte_strings():
    """A bytearray and a memoryview are written like bytes."""
    assert cbor.encode([bytearray(b"ab"), memoryview(b"ab")]) == cbor.encode([b"ab", b"ab"])
