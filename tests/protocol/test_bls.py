"""BLS signatures: round trip, malleability, malformed keys; each by the native library and by the Wasm module."""

import pytest

from ic_harness.errors import CertificateError, InputError
from ic_harness.protocol import bls

KEY = bls.keypair(b"s" * 32)
INFINITY_1, INFINITY_2 = b"\xc0" + bytes(47), b"\xc0" + bytes(95)
# On the curve, but outside of the subgroup of prime order: x = 4, and x = 2 in the quadratic extension.
STRAY_1 = b"\x80" + bytes(46) + b"\x04"
STRAY_2 = b"\x80" + bytes(94) + b"\x02"


@pytest.fixture(params=["native", "wasm"], autouse=True)
def implementation(request, monkeypatch):
    """Runs a test with one implementation of the arithmetic."""
    if request.param == "native":
        pytest.importorskip("pyblst")
    monkeypatch.setenv(bls.VARIABLE, request.param)
    return request.param


def test_sign_and_verify():
    """A signature is valid for its key and message, and for no other."""
    signature = bls.sign(KEY, b"message")
    assert len(signature) == 48
    assert bls.verify(KEY.public_der, b"message", signature)
    assert bls.verify(KEY.public, b"message", signature)
    assert not bls.verify(KEY.public_der, b"massage", signature)
    assert not bls.verify(bls.keypair(b"t" * 32).public_der, b"message", signature)


def test_a_key_pair_depends_only_on_the_seed():
    """A seed gives the same key in every release, so that a state folder keeps its root key."""
    assert bls.keypair(b"s" * 32) == KEY
    assert KEY.public.hex() == (
        "82591ed29d9ff28a272e66c55361033437ef89a66c8ce75a06feff6ad957a5168e1c8c6992b218dd4fbab728376b5a32"
        "0810541de2882e215208df9de6d3e0a3470e82ae66c50b12f1216bb44ce2ac9ffc5ec9f2f01f5f61ac86545cdd46a0ae"
    )
    assert len(KEY.public_der) == 133


def test_the_secret_is_not_shown():
    """Neither `repr` nor `str` of a key holds the secret."""
    assert str(KEY.secret) not in repr(KEY) + str(KEY)


def test_a_known_hash():
    """The hash of "abc" is that of RFC 9380, section J.9.1, compressed."""
    point = bls.hash_to_g1(b"abc", b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_")
    x = "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903"
    assert (point[0] & 0x1F, point[1:]) == (bytes.fromhex(x)[0], bytes.fromhex(x)[1:])


def test_infinity_proves_nothing():
    """The point at infinity is neither a valid key nor a valid signature."""
    assert not bls.verify(bls.DER_PREFIX + INFINITY_2, b"m", INFINITY_1)
    assert not bls.verify(bls.DER_PREFIX + INFINITY_2, b"m", bls.sign(KEY, b"m"))
    assert not bls.verify(KEY.public_der, b"m", INFINITY_1)


@pytest.mark.parametrize("signature", [b"", bytes(47), bytes(48), b"\xff" * 48, bytes(49), STRAY_1])
def test_malformed_signatures_are_not_valid(signature):
    """A signature that is no point of the subgroup is refused without an exception."""
    assert not bls.verify(KEY.public_der, b"m", signature)


@pytest.mark.parametrize("key", [bytes(96), b"\xff" * 96, STRAY_2])
def test_malformed_keys_verify_nothing(key):
    """A key that is no point of the subgroup is refused without an exception, and the next key is not harmed."""
    signature = bls.sign(KEY, b"m")
    assert not bls.verify(key, b"m", signature)
    assert bls.verify(KEY.public, b"m", signature)


@pytest.mark.parametrize("key", [b"", b"k" * 95, b"k" * 97, b"k" * 133])
def test_keys_of_neither_form(key):
    """What is neither 96 bytes nor DER is an error that says so."""
    told = f"expected 133 bytes of DER, got {len(key)} bytes that begin with {key[:6].hex()}$"
    with pytest.raises(CertificateError, match=f"no BLS12-381 public key: {told}"):
        bls.verify(key, b"m", bls.sign(KEY, b"m"))


@pytest.mark.parametrize("message", [b"", b"m" * 1_000_000])
def test_messages_of_any_length(message):
    """An empty message and one of a megabyte are signed and verified."""
    assert bls.verify(KEY.public, message, bls.sign(KEY, message))


def test_sums():
    """Sums are those of the scalars; no terms are infinity, factors count modulo the order."""
    two = bls.sum_in_g1((bls.GENERATOR_G1, 1), (bls.GENERATOR_G1, bls.ORDER + 1))
    assert two == bls.sum_in_g1((bls.GENERATOR_G1, 2))
    assert bls.sum_in_g1((two, 1), (bls.GENERATOR_G1, -2)) == INFINITY_1
    assert bls.sum_in_g1() == bls.sum_in_g1((INFINITY_1, 5)) == INFINITY_1


@pytest.mark.parametrize("point", [b"", bytes(47), bytes(48), b"\xff" * 48, bytes(49), STRAY_1])
def test_sums_of_malformed_points(point):
    """A term that is no point of the subgroup is an error."""
    with pytest.raises(ValueError):
        bls.sum_in_g1((bls.GENERATOR_G1, 1), (point, 1))


def test_long_tags():
    """A domain separation tag has at most 255 bytes."""
    assert len(bls.hash_to_g1(b"m", b"t" * 255)) == 48
    with pytest.raises(ValueError, match="255"):
        bls.hash_to_g1(b"m", b"t" * 256)


def test_der():
    """DER wraps and unwraps; anything else is refused."""
    assert bls.der_decode(bls.der_encode(KEY.public)) == KEY.public
    with pytest.raises(CertificateError):
        bls.der_decode(KEY.public_der[:-1])
    with pytest.raises(CertificateError):
        bls.der_encode(b"short")


def test_the_variable_is_checked(monkeypatch):
    """Another value of the variable is an error that names the allowed ones."""
    monkeypatch.setenv(bls.VARIABLE, "fast\x1b[2J")
    with pytest.raises(InputError, match="set it to native or wasm") as refused:
        bls.public_key(1)
    assert "\x1b" not in str(refused.value)


def test_the_name_of_the_implementation(implementation):
    """`implementation` names what is used, with its version."""
    assert bls.implementation().startswith(
        {"native": "pyblst ", "wasm": "a Wasm module in wasmtime "}[implementation]
    )
