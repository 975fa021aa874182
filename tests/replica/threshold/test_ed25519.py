"""Ed25519: arithmetic by RFC 8032, derivation by the vectors of the public crate and on mainnet, signatures."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.principal import Principal
from ic_harness.replica.threshold import ed25519
from ic_harness.replica.threshold.edwards import ORDER, PRIME, ZERO, add, base_multiple, compress, decompress

CANISTER = Principal.from_text("h5jwf-5iaaa-aaaan-qmvoa-cai").raw
FIRST = "931387a550eb4524a7af29381b938df38e76aeecac08e2cfaae4f4ca99bb4881"
SECOND = "6f3086e738ab5417c6e02504464f208a763f0fba0c4d7ade40694773b6c2273c"
THIRD = "8efb675fcaf45c93e785ff535e380d9019c876a7c5faed264b911f97ef34d838"
SECOND_CODE = "d34e4e22d2c008ccc7e9bb9882fbc025a1e5516e3421d8e932dbc0be35f787a0"
THIRD_CODE = "2562ad75c50708f8d20c442e48b3f8ee851570be256ef0a7060b9f755a837216"


def derived(key, path, chain_code):
    """Derive from a public key alone, as anybody can."""
    key = bytes.fromhex(key)
    for index in path:
        offset, chain_code = ed25519.child_offset(key, index, chain_code)
        key = compress(add(decompress(key), base_multiple(offset)))
    return key.hex(), chain_code.hex()


@pytest.mark.parametrize(
    ("key", "path", "code", "expected"),
    [
        (FIRST, [1], "00" * 32, (SECOND, SECOND_CODE)),
        (SECOND, [2], SECOND_CODE, (THIRD, THIRD_CODE)),
        (FIRST, [1, 2], "00" * 32, (THIRD, THIRD_CODE)),
    ],
)
def test_derivation(key, path, code, expected):
    """The vectors of the public crate, whose elements are numbers of four bytes."""
    assert derived(key, [index.to_bytes(4, "big") for index in path], bytes.fromhex(code)) == expected


@pytest.mark.parametrize(
    ("master", "path", "expected"),
    [
        (
            "476374d9df3a8af28d3164dc2422cff894482eadd1295290b6d9ad92b2eeaa5c",
            [bytes.fromhex("ABCDEF"), bytes.fromhex("012345")],
            "43f0008b26564b6da51f585ad47669dfeb1db6d94d7dd216bd304fc1f5f5e997",
        ),
        (
            "6c0824beb37621bcca6eecc237ed1bc4e64c9c59dcb85344aa7f9cc8278ee31f",
            [b"Hello", b"Threshold", b"Signatures"],
            "d9a2ce6a3cd33fe16dce37e045609e51ff516e93bb51013823d6d7a915e3cfb9",
        ),
    ],
    ids=["key_1", "test_key_1"],
)
def test_mainnet(master, path, expected):
    """The key of a canister on mainnet follows from the master public key."""
    assert derived(master, [CANISTER, *path], bytes(32))[0] == expected


@settings(deadline=None)
@given(st.integers(1, ORDER - 1), st.lists(st.binary(max_size=40), max_size=3), st.binary(max_size=200))
def test_signatures(secret, path, message):
    """Another library verifies what a derived secret signs; the public key is that of the public derivation."""
    scalar, chain_code = ed25519.derive(secret, path)
    key = ed25519.public(scalar)
    assert derived(ed25519.public(secret).hex(), path, bytes(32)) == (key.hex(), chain_code.hex())
    signature = ed25519.sign(scalar, chain_code, message)
    Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    assert ed25519.sign(scalar, chain_code, message) == signature


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_points_of_another_library(seed):
    """Public keys of `cryptography` decode and encode to themselves; point and negative add up to zero."""
    encoded = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    point = decompress(encoded)
    assert compress(point) == encoded
    x, y, z, t = point
    assert compress(add(point, (PRIME - x, y, z, PRIME - t))) == compress(ZERO)


def test_multiples():
    """Multiples count modulo the order, and add up."""
    assert compress(base_multiple(0)) == compress(base_multiple(ORDER)) == compress(ZERO)
    assert compress(add(base_multiple(5), base_multiple(ORDER - 3))) == compress(base_multiple(2))


@pytest.mark.parametrize(
    "encoded",
    [b"\xff" * 32, PRIME.to_bytes(32, "little"), bytes(31), b"\x02" + bytes(31), b"\1" + bytes(30) + b"\x80"],
)
def test_no_points(encoded):
    """Bytes that are no point of the curve are refused."""
    with pytest.raises(ValueError, match="no point"):
        decompress(encoded)
