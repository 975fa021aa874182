"""Principals: texts and bytes of the specification, and every way in which a text can be wrong."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import PrincipalError
from ic_harness.principal import Principal

KNOWN = [
    ("aaaaa-aa", ""),
    ("2vxsx-fae", "04"),
    ("rwlgt-iiaaa-aaaaa-aaaaa-cai", "00000000000000000101"),
    ("w7x7r-cok77-xa", "caffee"),
    ("2chl6-4hpzw-vqaaa-aaaaa-c", "efcdab000000000001"),
]


@pytest.mark.parametrize(("text", "raw"), KNOWN)
def test_known_texts(text, raw):
    """Texts that the specification and well-known canisters use stand for their bytes, both ways."""
    assert Principal.from_text(text).raw.hex() == raw
    assert str(Principal(bytes.fromhex(raw))) == text


@given(st.binary(max_size=29))
def test_text_round_trip(raw):
    """The text of any principal reads back as the same principal."""
    assert Principal.from_text(str(Principal(raw))).raw == raw


@pytest.mark.parametrize(
    "text", ["", "aaaaa", "foobar", "2VXSX-FAE", "2vxsxfae", "2vxsx-faf", "rwlgt-iiaaa-aaaaa-aaaaa-ca1", "é"]
)
def test_wrong_texts_are_refused(text):
    """A text that is not exactly what the specification writes is refused, and the error quotes it."""
    with pytest.raises(PrincipalError, match="is not a principal"):
        Principal.from_text(text)


def test_too_many_bytes():
    """Thirty bytes are no principal."""
    with pytest.raises(PrincipalError, match="at most 29 bytes, got 30"):
        Principal(bytes(30))


def test_of_takes_what_users_hold():
    """Text, bytes, our own type and objects with `.bytes` all lead to the same principal."""

    class Foreign:
        bytes = b"\x04"

    same = [Principal.anonymous(), "2vxsx-fae", b"\x04", bytearray(b"\x04"), Foreign()]
    assert {Principal.of(value) for value in same} == {Principal.anonymous()}
    with pytest.raises(PrincipalError, match="got int"):
        Principal.of(4)


@given(st.lists(st.binary(max_size=29)))
def test_order_is_bytewise(raws):
    """Principals sort as their bytes do, and hash and pickle as values."""
    principals = [Principal(raw) for raw in raws]
    assert [p.raw for p in sorted(principals)] == sorted(raws)
    assert pickle.loads(pickle.dumps(principals)) == principals
    assert {p.raw for p in set(principals)} == set(raws)


def test_immutable():
    """A principal cannot be changed after it was made."""
    with pytest.raises(AttributeError, match="immutable"):
        Principal.anonymous()._raw = b""


def test_self_authenticating():
    """The principal of a key is SHA-224 of its DER form and the byte 02, 29 bytes in all."""
    principal = Principal.self_authenticating(b"key")
    assert len(principal.raw) == 29
    assert principal.raw[-1] == 2
