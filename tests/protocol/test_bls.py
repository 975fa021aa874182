"""BLS signatures: round trip, malleability, malformed keys."""

import pytest

from ic_harness.errors import CertificateError
from ic_harness.protocol import bls

KEY = bls.keypair(b"s" * 32)


def test_sign_and_verify():
    """A signature is valid for its key and message, and for no other."""
    signature = bls.sign(KEY, b"message")
    assert len(signature) == 48
    assert bls.verify(KEY.public_der, b"message", signature)
    assert not bls.verify(KEY.public_der, b"massage", signature)
    assert not bls.verify(bls.keypair(b"t" * 32).public_der, b"message", signature)


def test_a_key_pair_depends_only_on_the_seed():
    """The same seed gives the same key, so that a replica's root key is stable."""
    assert bls.keypair(b"s" * 32) == KEY
    assert len(KEY.public_der) == 133


def test_the_secret_is_not_shown():
    """Neither `repr` nor `str` of a key holds the secret."""
    assert str(KEY.secret) not in repr(KEY) + str(KEY)


def test_infinity_proves_nothing():
    """The point at infinity is neither a valid key nor a valid signature."""
    infinity_1, infinity_2 = b"\xc0" + bytes(47), b"\xc0" + bytes(95)
    assert not bls.verify(bls.DER_PREFIX + infinity_2, b"m", infinity_1)
    assert not bls.verify(bls.DER_PREFIX + infinity_2, b"m", bls.sign(KEY, b"m"))
    assert not bls.verify(KEY.public_der, b"m", infinity_1)


@pytest.mark.parametrize("signature", [b"", bytes(47), bytes(48), b"\xff" * 48, bytes(49)])
def test_malformed_signatures_are_not_valid(signature):
    """A signature that is no point is refused without an exception."""
    assert not bls.verify(KEY.public_der, b"m", signature)


def test_der():
    """DER wraps and unwraps; anything else is refused."""
    assert bls.der_decode(bls.der_encode(KEY.public)) == KEY.public
    with pytest.raises(CertificateError):
        bls.der_decode(KEY.public_der[:-1])
    with pytest.raises(CertificateError):
        bls.der_encode(b"short")
