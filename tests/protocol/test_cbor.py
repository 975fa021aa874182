"""CBOR: equal to cbor2 where both apply, and bounded on hostile input."""

import contextlib
import re
import sys
from types import MappingProxyType

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


INTEGERS = [0, 1, 23, 24, 25, 255, 256, 257, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1, 2**64, 2**512 - 1]
SIZES = [0, 1, 23, 24, 25, 255, 256, 257, 65535, 65536]


@pytest.mark.parametrize("number", INTEGERS)
def test_integers_have_the_shortest_form(number):
    """On both sides of every limit the bytes are those that cbor2 writes, which are shortest, and they read back."""
    for value in (number, -1 - number):
        assert cbor.encode(value, tagged=False) == cbor2.dumps(value)
        assert cbor.decode(cbor2.dumps(value)) == value


class Number(int):
    """A type of integers of one's own, as enumerations are."""


@pytest.mark.parametrize("number", [0, 1, -1, 255, 2**64])
def test_subclasses_of_int_are_integers(number):
    """An integer of a subclass is written as its value."""
    assert cbor.encode(Number(number)) == cbor.encode(number)


@pytest.mark.parametrize("size", SIZES)
def test_lengths_have_the_shortest_form(size):
    """Each kind of value with a length is written as cbor2 does, on both sides of every limit."""
    keys = dict.fromkeys(range(size))
    for value in (b"x" * size, "x" * size, "ü" * size, [None] * size, keys):
        assert cbor.encode(value, tagged=False) == cbor2.dumps(value)
        assert cbor.decode(cbor2.dumps(value)) == value
    for buffer in (bytearray(size), memoryview(bytes(size))):
        assert cbor.encode(buffer, tagged=False) == cbor2.dumps(bytes(size))
    assert cbor.encode(MappingProxyType(keys), tagged=False) == cbor2.dumps(keys)


# RFC 8949, appendix A, as far as the interface specification uses CBOR.
VECTORS = {
    "f90000": 0.0,
    "f93c00": 1.0,
    "fb3ff199999999999a": 1.1,
    "f97bff": 65504.0,
    "fa47c35000": 100000.0,
    "fb7e37e43c8800759c": 1.0e300,
    "f9c400": -4.0,
    "fa7f800000": float("inf"),
    "f4": False,
    "f5": True,
    "f6": None,
    "f7": None,
    "4401020304": b"\1\2\3\4",
    "62225c": '"\\',
    "63e6b0b4": "水",
    "8301820203820405": [1, [2, 3], [4, 5]],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": list(range(1, 26)),
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
    "5f42010243030405ff": b"\1\2\3\4\5",
    "7f657374726561646d696e67ff": "streaming",
    "9fff": [],
    "9f018202039f0405ffff": [1, [2, 3], [4, 5]],
    "83018202039f0405ff": [1, [2, 3], [4, 5]],
    "bf61610161629f0203ffff": {"a": 1, "b": [2, 3]},
    "bf6346756ef563416d7421ff": {"Fun": True, "Amt": -2},
}


@pytest.mark.parametrize("raw", VECTORS)
def test_examples_of_the_rfc(raw):
    """The examples of the RFC are read as it says, and only whole."""
    value = cbor.decode(bytes.fromhex(raw))
    assert value == VECTORS[raw]
    assert type(value) is type(VECTORS[raw])
    for end in range(len(raw) // 2):
        with pytest.raises(CborError):
            cbor.decode(bytes.fromhex(raw)[:end])


@pytest.mark.parametrize(
    ("head", "size"), [("5818", 24), ("590100", 256), ("5a00000003", 3), ("5b" + "00" * 7 + "02", 2)]
)
def test_pieces_of_any_length(head, size):
    """A piece of a string of indefinite length may have a length of one, two, four or eight bytes."""
    raw = bytes.fromhex("5f" + head) + b"x" * size + bytes.fromhex("4179ff")
    assert cbor.decode(raw) == b"x" * size + b"y"


NESTED = {
    "arrays": ("81", "00", ""),
    "maps": ("a100", "00", ""),
    "tags": ("d9d9f7", "00", ""),
    "arrays of indefinite length": ("9f", "00", "ff"),
    "maps of indefinite length": ("bf00", "00", "ff"),
}


@pytest.mark.parametrize(("opening", "inner", "closing"), NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("levels", [1, 3, cbor.MAX_DEPTH])
def test_nesting_up_to_the_limit(opening, inner, closing, levels):
    """As many levels are accepted as the limit says, of every kind, and not one more."""
    raw = bytes.fromhex(opening * levels + inner + closing * levels)
    cbor.decode(raw, max_depth=levels)
    with pytest.raises(CborError, match="nested too deeply"):
        cbor.decode(raw, max_depth=levels - 1)


def test_nesting_by_default():
    """The default limit is 64 levels."""
    cbor.decode(b"\x81" * 64 + b"\x00")
    with pytest.raises(CborError, match="nested too deeply"):
        cbor.decode(b"\x81" * 65 + b"\x00")


def under(frames, function):
    """Call a function below so many frames of the stack."""
    return function() if frames == 0 else under(frames - 1, function)


def test_a_caller_whose_stack_is_nearly_full():
    """Nesting that the limit allows and the stack does not is the same error, not one of the interpreter."""
    raw = b"\x81" * 64 + b"\x00"
    told = set()
    with contextlib.suppress(RecursionError):  # when not even the first call fits
        for frames in range(sys.getrecursionlimit() - 400, sys.getrecursionlimit()):
            under(frames, lambda: told.add(error_of(raw)))
    assert told == {None, "nested too deeply"}


def error_of(raw):
    """What the decoder says is wrong, without the offset."""
    try:
        cbor.decode(raw)
    except CborError as error:
        return str(error).removeprefix("invalid CBOR: ").partition(" (")[0]
    return None


COUNTED = {
    "array": ("83010203", 3),
    "arrays in an array": ("8281018102", 4),
    "map": ("a201020304", 4),
    "array of indefinite length": ("9f010203ff", 3),
    "map of indefinite length": ("bf01020304ff", 4),
    "byte string in pieces": ("5f41614162ff", 16),
    "text in pieces": ("7f61616162ff", 16),
    "scalar": ("01", 0),
}


@pytest.mark.parametrize(("raw", "items"), COUNTED.values(), ids=COUNTED)
def test_elements_up_to_the_limit(raw, items):
    """Keys, values and elements count one, pieces of strings eight; the limit itself is accepted."""
    cbor.decode(bytes.fromhex(raw), max_items=items)
    if items:
        with pytest.raises(CborError, match="more elements"):
            cbor.decode(bytes.fromhex(raw), max_items=items - 1)


OFFSETS = {
    "bytes after the value": ("820102030405", "3 bytes after the end of the CBOR value (offset 3)"),
    "array cut off": ("83018201", "2 values announced, 1 bytes left (offset 3)"),
    "byte string cut off": ("8245414141", "5 bytes expected, 3 left (offset 2)"),
    "head cut off": ("811901", "2 bytes expected, 1 left (offset 2)"),
    "float cut off": ("81fa0000", "4 bytes expected, 2 left (offset 2)"),
    "piece cut off": ("5f436100", "3 bytes expected, 2 left (offset 2)"),
    "head of a byte string cut off": ("815a0000", "4 bytes expected, 2 left (offset 2)"),
    "key twice": ("a3616101616202616203", "the map key 'b' occurs twice (offset 10)"),
    "value missing": ("820181", "1 values announced, 0 bytes left (offset 3)"),
}


@pytest.mark.parametrize(("raw", "text"), OFFSETS.values(), ids=OFFSETS)
def test_errors_say_where(raw, text):
    """An error names the offset, what was expected there, and what is left."""
    with pytest.raises(CborError, match=re.escape(text)):
        cbor.decode(bytes.fromhex(raw))


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
    "reserved length of an integer": "1c" + "00" * 16,
    "reserved length of a piece": "5f5c" + "00" * 16 + "ff",
    "reserved length of a byte string": "5cff",
    "reserved length of an array": "9cff",
    "reserved length of a map": "bcff",
    "indefinite integer with an end": "1fff",
    "indefinite tag with an end": "dfff",
    "reserved simple value": "f800",
    "unassigned simple value": "f0",
    "simple value zero": "e0",
    "tag of a byte string": "c441ff",
    "number of seconds": "c11a514b67b0",
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
