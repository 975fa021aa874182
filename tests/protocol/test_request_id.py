"""Request ids: the vectors of the interface specification and of the reference implementation."""

from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ic_harness.candid.primitive_writers import encode_signed, encode_unsigned
from ic_harness.errors import ProtocolError
from ic_harness.protocol.request_id import domain, hash_of_map, leb128_decode, leb128_encode, request_id

SHORT = {
    "request_type": "call",
    "canister_id": bytes.fromhex("00000000000004D2"),
    "method_name": "hello",
    "arg": b"DIDL\x00\xfd*",
}


def test_vector_of_the_specification():
    """The id of the request in the interface specification is the one that stands there."""
    content = SHORT | {"sender": b"\x04", "ingress_expiry": 1685570400000000000}
    assert request_id(content).hex() == "1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101"


def test_vector_without_sender():
    """Fields that are absent, or None, do not count."""
    expected = "8781291c347db32a9d8c10eb62b710fce5a93be676474c42babc74c51858f94b"
    assert request_id(SHORT).hex() == request_id(SHORT | {"nonce": None}).hex() == expected


def test_order_and_buffer_type_do_not_matter():
    """The hash depends on values, not on the order of keys or the kind of buffer."""
    turned = {key: SHORT[key] for key in reversed(SHORT)} | {"arg": memoryview(b"DIDL\x00\xfd*")}
    assert hash_of_map(turned) == hash_of_map(SHORT)


@pytest.mark.parametrize(
    ("number", "raw"), [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (624485, "e58e26")]
)
def test_leb128(number, raw):
    """LEB128 is the shortest form and reads back."""
    assert leb128_encode(number).hex() == raw
    assert leb128_decode(bytes.fromhex(raw)) == number


@pytest.mark.parametrize(("number", "raw"), [(-1, "7f"), (-64, "40"), (-65, "bf7f"), (-123456, "c0bb78")])
def test_negative_numbers_are_hashed_as_signed_leb128(number, raw):
    """A field that is negative counts by its shortest signed LEB128; the raw forms are those of the DWARF standard."""
    assert hash_of_map({"x": number}) == pair_hash(bytes.fromhex(raw))


@given(st.integers(-(1 << 130), 1 << 130))
@example(0)
@example(64)
def test_numbers_are_hashed_as_candid_writes_them(number):
    """Natural numbers count by unsigned LEB128, negative ones by signed LEB128, for which Candid has its own writer."""
    assert hash_of_map({"x": number}) == pair_hash(
        encode_unsigned(number) if number >= 0 else encode_signed(number)
    )


def pair_hash(raw):
    """The hash of a map with the one key `x`, whose value has this encoding."""
    return sha256(sha256(b"x").digest() + sha256(raw).digest()).digest()


def test_leb128_has_no_negative_numbers():
    """Unsigned LEB128 refuses a negative number."""
    with pytest.raises(ProtocolError):
        leb128_encode(-1)


def test_leb128_of_up_to_64_bytes():
    """The longest number that is read has 64 bytes."""
    assert leb128_decode(b"\x80" * 63 + b"\x01") == 1 << 7 * 63
    with pytest.raises(ProtocolError):
        leb128_decode(b"\x80" * 64 + b"\x01")


@pytest.mark.parametrize("raw", ["", "80", "0100", "8080", "80" * 100 + "00"])
def test_leb128_refuses(raw):
    """A number that is cut off, or followed by bytes, is an error."""
    with pytest.raises(ProtocolError):
        leb128_decode(bytes.fromhex(raw))


@pytest.mark.parametrize("value", [1.5, True, object(), {1: 2}, {b"a": 1}, [None]])
def test_values_without_a_hash(value):
    """Floats, booleans, strange objects and maps with strange keys cannot be signed."""
    with pytest.raises(ProtocolError):
        hash_of_map({"x": value})


def test_domain():
    """A separator begins with its length."""
    assert domain(b"ic-request") == b"\x0aic-request"
    assert domain(b"ic-request-auth-delegation")[0] == 0x1A
