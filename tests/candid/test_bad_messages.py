"""Hostile and broken messages: an error in bounded time that says where and what was expected."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError
from ic_harness.candid.primitive_writers import encode_unsigned

SERVICE = candid.parse("""
  type Asset = record { name : text; bytes : blob; hash : opt blob };
  type Memory = record { id : text; assets : vec Asset; kind : variant { Image; Video : nat8 } };
  type List = opt record { nat; List };
  service : { f : (nat, Memory) -> (List); g : (vec opt vec text) -> () }
""")
F = SERVICE.methods["f"]
MEMORY = {"id": "m", "assets": [{"name": "a", "bytes": b"12", "hash": None}] * 2, "kind": {"Video": 3}}


def _error(data, types) -> CandidError:
    with pytest.raises(CandidError) as caught:
        candid.decode(data, types)
    return caught.value


def test_path_and_offset_of_a_truncated_message():
    """A message cut anywhere names a byte within it and the value that was being read."""
    data = candid.encode([1, MEMORY], F.arg_types)
    start = data.index(b"\x01\x01m")
    for length in range(start, len(data)):
        error = _error(data[:length], F.arg_types)
        assert error.offset is not None
        assert start <= error.offset <= length
        assert error.path is not None
        assert error.path.startswith("args[")


def test_path_of_a_value_inside_vectors_and_records():
    """The path leads through vectors by index and through records by name."""
    data = candid.encode([1, MEMORY], F.arg_types)
    position = data.rindex(b"\x02" + b"12")
    broken = data[:position] + b"\x7f" + data[position + 1 :]
    assert _error(broken, F.arg_types).path == "args[1].assets[1].bytes"


def test_path_of_text_that_is_not_utf8():
    """A text that is not UTF-8 is named with its first wrong byte."""
    types = candid.parse_types("(vec opt vec text)")
    data = candid.encode([[None, ["ab", "cd"]]], types).replace(b"cd", b"c\xff")
    error = _error(data, types)
    assert error.path == "args[0][1][1]"
    assert error.offset is not None
    assert data[error.offset] == 0xFF


def test_expected_type_is_named():
    """A value of another type is reported with what was found and what was expected."""
    error = _error(candid.encode([1, "x"], candid.parse_types("(nat, text)")), F.arg_types)
    assert error.path == "args[1]"
    assert "text" in error.message
    assert error.expected is not None
    assert "record" in error.expected


def test_missing_field_is_named():
    """A record without a required field is reported with the field's name and type."""
    types = candid.parse_types("(record { a : nat; b : text })")
    error = _error(candid.encode([{"a": 1}], candid.parse_types("(record { a : nat })")), types)
    assert "b" in error.message
    assert error.expected == "text"


def test_left_over_bytes_are_refused():
    """Bytes behind the last value are an error at the first of them."""
    data = candid.encode([5], candid.parse_types("(nat)"))
    assert _error(data + b"xx", candid.parse_types("(nat)")).offset == len(data)


def test_deep_values_are_refused():
    """Values nested deeper than the limit are refused, at their type and when skipped."""
    data = b"DIDL\x02\x6e\x01\x6c\x02\x00\x7d\x01\x00\x01\x00" + b"\x01\x05" * 100_000 + b"\x00"
    for types in (F.return_types, candid.parse_types("(reserved)"), ()):
        assert "deep" in _error(data, types).message


def test_values_up_to_the_limit_are_decoded():
    """A list of 300 elements is well within the limit."""
    value: tuple | None = None
    for number in range(300):
        value = (number, value)
    assert candid.decode(candid.encode([value], F.return_types), F.return_types) == (value,)


def _chain(size: int) -> bytes:
    """A table of records, each holding the next one; the last one is empty."""
    entries = b"".join(b"\x6c\x01\x00" + _index(i + 1) for i in range(size - 1)) + b"\x6c\x00"
    return b"DIDL" + encode_unsigned(size) + entries + b"\x01\x00"


def _index(number: int) -> bytes:
    return candid.encode([number], candid.parse_types("(int)"))[7:]


def _doubling(size: int) -> bytes:
    """A table of records, each holding the next one twice: 2^size values without a byte."""
    entries = b"".join(b"\x6c\x02\x00" + _index(i + 1) + b"\x01" + _index(i + 1) for i in range(size - 1))
    return b"DIDL" + encode_unsigned(size) + entries + b"\x6c\x00" + b"\x01\x00"


def _wide(size: int) -> bytes:
    """A variant of many cases, each a record that holds the variant again."""
    cases = b"".join(encode_unsigned(i) + _index(i + 1) for i in range(size))
    entries = b"".join(b"\x6c\x01\x00\x00" for _ in range(size))
    head = b"DIDL" + encode_unsigned(size + 1) + b"\x6b" + encode_unsigned(size) + cases + entries
    return head + b"\x01\x00\x00"


def _vectors(depth: int) -> bytes:
    """Vectors in vectors as a table, with as many elements as the bytes allow."""
    entries = b"".join(b"\x6d" + _index(i + 1) for i in range(depth - 1)) + b"\x6d\x7f"
    return b"DIDL" + encode_unsigned(depth) + entries + b"\x01\x00" + b"\x7f" * 200


BOMBS = {
    "chain of records": _chain(9_000),
    "doubling records": _doubling(60),
    "wide variant": _wide(9_000),
    "deep vectors": _vectors(9_000),
    "long number": b"DIDL\x00\x01\x7d" + b"\xff" * 1_800_000 + b"\x01",
    "vector of nulls": b"DIDL\x01\x6d\x7f\x01\x00" + encode_unsigned(2**60),
    "overlong length": b"DIDL\x00\x01\x71" + b"\x80" * 1_000_000 + b"\x00",
    "many methods": b"DIDL\x01\x69" + encode_unsigned(2**40) + b"a" * 100_000,
    "many fields": b"DIDL\x01\x6c"
    + encode_unsigned(60_000)
    + b"".join(encode_unsigned(i) + b"\x7f" for i in range(60_000))
    + b"\x01\x00",
    "many types": b"DIDL" + encode_unsigned(10_001) + b"\x6e\x7f" * 10_001 + b"\x00",
    "many arguments": b"DIDL\x00" + encode_unsigned(10_000) + b"\x7e" * 10_000 + b"\x00" * 10_000,
}
EXPECTED = [
    "()",
    "(reserved)",
    "(opt nat)",
    "(record {})",
    "(vec opt record { opt nat; 1 : reserved })",
    "(nat)",
]


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("types", [*EXPECTED, "list"])
def test_bombs_cost_little(name, types):
    """A hostile message is decoded or refused in a few seconds at most."""
    data = BOMBS[name]
    expected = F.return_types if types == "list" else candid.parse_types(types)
    began = time.process_time()
    with contextlib.suppress(CandidError):
        candid.decode(data, expected)
    assert time.process_time() - began < 10


MEASURE = """
import contextlib, resource, sys
from ic_harness import candid
data = sys.stdin.buffer.read()
types = candid.parse_types(sys.argv[1]) if sys.argv[1] else ()
with contextlib.suppress(candid.CandidError):  # loads what any message loads
    candid.decode(b"DIDL\\0\\0", types)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with contextlib.suppress(candid.CandidError):
    candid.decode(data, types)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no module `resource`")
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("types", ["(vec opt record { opt nat; 1 : reserved })", ""])
def test_bombs_take_little_memory(name, types):
    """What a hostile message adds to the memory of a process is bounded by its length."""
    data = BOMBS[name]
    done = subprocess.run([sys.executable, "-c", MEASURE, types], input=data, capture_output=True, check=True)
    assert int(done.stdout) < 30_000_000 + 400 * len(data)


def test_pairs_of_recursive_types_are_bounded():
    """Wire and expected types that recurse with different periods make many pairs, but not too many."""
    period = 5_000
    entries = b"".join(b"\x6e" + _index(i) for i in [*range(1, period), 0])
    inner = "nat"
    for _ in range(30):
        inner = f"opt {inner}"
    data = b"DIDL" + encode_unsigned(period) + entries + b"\x01\x00" + b"\x01" * 20 + b"\x00"
    began = time.process_time()
    for types in (candid.parse_types(f"({inner})"), F.return_types):
        with contextlib.suppress(CandidError):
            candid.decode(data, types)
    assert time.process_time() - began < 10


def test_quota_grows_with_the_message():
    """Many nulls are fine in a long message, and a thousand in any."""
    types = candid.parse_types("(vec null, blob)")
    assert len(candid.decode(candid.encode([[None] * 1000, b""], types), types)[0]) == 1000
    data = candid.encode([[None] * 100_000, bytes(100_000)], types)
    assert len(candid.decode(data, types)[0]) == 100_000


def test_errors_do_not_keep_the_message_alive():
    """An error names places, not the data: it has no cause that would hold the frames of the decoder."""
    error = _error(b"DIDL\x00\x01\x71\x05a", candid.parse_types("(text)"))
    assert error.__cause__ is None
    assert error.__suppress_context__
