"""secp256k1: derivation by SLIP-10 and on mainnet, ECDSA by another library, BIP340 and BIP341 by their vectors."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ic_harness.principal import Principal
from ic_harness.replica.threshold import bip340
from ic_harness.replica.threshold.secp256k1 import ORDER, child_offset, derive, multiple, sign_ecdsa

PRIME = 2**256 - 2**32 - 977
CANISTER = Principal.from_text("h5jwf-5iaaa-aaaan-qmvoa-cai").raw
HEX_PATH = (bytes.fromhex("ABCDEF"), bytes.fromhex("012345"))
TEXT_PATH = (b"Hello", b"Threshold", b"Signatures")


def number(text):
    return int(text, 16)


def test_slip_10():
    """Elements of four bytes below 2^31 give what wallets derive (SLIP-10, test vector 1, the chain m/0H/1/2H/…)."""
    secret, chain_code = derive(
        number("cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca"),
        [index.to_bytes(4, "big") for index in (2, 1_000_000_000)],
        bytes.fromhex("04466b9cc8e161e966409ca52986c584f07e9dc81f735db683c3ff6ec7b1503f"),
    )
    assert secret == number("471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8")
    assert chain_code.hex() == "c783e67b921d2beb8f6b389cc646d7263b4145701dadd2161548a8b078e65e9e"
    assert multiple(secret).hex() == "022a471424da5e657499d1ff51cb43c47481a03b1e77f951fe64cec9f5a48f7011"


def point(compressed):
    """Decode a compressed point; written for these tests apart from the code under test."""
    x = int.from_bytes(compressed[1:], "big")
    y = pow(x**3 + 7, (PRIME + 1) // 4, PRIME)
    return x, y if y & 1 == compressed[0] & 1 else PRIME - y


def added(left, right):
    """Add two different points and compress the sum."""
    (x1, y1), (x2, y2) = point(left), point(right)
    slope = (y2 - y1) * pow(x2 - x1, -1, PRIME) % PRIME
    x = (slope * slope - x1 - x2) % PRIME
    y = (slope * (x1 - x) - y1) % PRIME
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("master", "path", "derived"),
    [
        (
            "02121bc3a5c38f38ca76487c72007ebbfd34bc6c4cb80a671655aa94585bbd0a02",
            HEX_PATH,
            "02735ca28b5c3e380016d7f28bf4703b540a8bbe8e24beffdc021455ca2ab93fe3",
        ),
        (
            "02f9ac345f6be6db51e1c5612cddb59e72c3d0d493c994d12035cf13257e3b1fa7",
            TEXT_PATH,
            "0315ae8bb8c6e9f78eec2167f5ac773067f37a39da1a1efbc585f9e90658d1c620",
        ),
        (
            "02246e29785f06d37a8a50c49f6152a34df74738f8c13a44f59fef4cbe90eb13ac",
            HEX_PATH,
            "03e5e92c2399985f82521b110ac3dbf697a6b9522002c0d31d0b7cd5352c343457",
        ),
        (
            "037a651a2e5ef3d1ef63e84c4c4caa029fa4a43a347a91e4d84a8e846853d51be1",
            TEXT_PATH,
            "0237ca6a41c1db8ab40410445250a5d46fbec7f3e449c8f40f86d8622a4106cebd",
        ),
    ],
    ids=["ecdsa-key_1", "ecdsa-test_key_1", "bip340-key_1", "bip340-test_key_1"],
)
def test_mainnet(master, path, derived):
    """The offsets are those by which mainnet derives the keys of a canister from its master public keys."""
    key, chain_code = bytes.fromhex(master), bytes(32)
    for index in (CANISTER, *path):
        offset, chain_code = child_offset(key, index, chain_code)
        key = added(key, multiple(offset))
    assert key.hex() == derived


POCKET_IC = int.from_bytes(hashlib.sha256(bytes([42] * 32)).digest(), "big") % ORDER
"""The secret that PocketIC derives its master keys from; the public crate lists keys derived from them."""


@pytest.mark.parametrize(
    ("name", "ecdsa", "schnorr"),
    [
        (
            b"key_1",
            "02b0b6acdac2848231bdf5946f4b8d53919e542453fc8a5e2f6ed86f1c10112dd1",
            "026bdb2db9f5bf4993db8f278820096f69a3a7ba9cecde62396c8f828f6aaebe2c",
        ),
        (
            b"test_key_1",
            "03a92d76d67a715fa4c938abee3f87736106ffc3f86a8dd0ac86268d823f0cfada",
            "03e02e9e0304adf56b602f281f221b8b31ec18f294a93ef2434f7fa6d1d7714cbd",
        ),
        (
            b"dfx_test_key",
            "036d7246f93e7921a1f909fb451a19dbf7efc7166aa95dd14b1e9d6a58b619a98c",
            "03ccb166a97a93df8cc130e0a7873aab5f2e31d2ca52dc46bd5ddf72ae78d73f68",
        ),
    ],
)
def test_secrets_of_pocket_ic(name, ecdsa, schnorr):
    """Secrets are derived to what PocketIC's canisters get, with and without a path."""
    master, _ = derive(POCKET_IC, [name])
    canister = Principal.from_text("uzt4z-lp777-77774-qaabq-cai").raw
    assert multiple(derive(master, [canister])[0]).hex() == ecdsa
    path = [b"Test", b"Derivation", b"For", b"Bip340secp256k1", name]
    assert multiple(derive(master, [canister, *path])[0]).hex() == schnorr


def test_digests_that_are_no_offset(monkeypatch):
    """A digest beyond the order, and one that would make the key zero, are followed by the next of SLIP-10."""
    beyond, opposite, good = (ORDER.to_bytes(32, "big"), (ORDER - 5).to_bytes(32, "big"), bytes(31) + b"\x07")
    codes = [bytes([number]) * 32 for number in (1, 2, 3)]
    answers = [digest + code for digest, code in zip((beyond, opposite, good), codes, strict=True)]
    asked = []

    def digest(_key, message, _name):
        asked.append(message)
        return answers[len(asked) - 1]

    monkeypatch.setattr("ic_harness.replica.threshold.secp256k1.hmac.digest", digest)
    assert derive(5, [b"index"]) == (12, codes[2])
    assert asked == [multiple(5) + b"index", b"\x01" + codes[0] + b"index", b"\x01" + codes[1] + b"index"]


@pytest.mark.parametrize("message_hash", [bytes(32), b"\xff" * 32, bytes(range(32))])
def test_ecdsa(message_hash):
    """Another library verifies the signature; s is the smaller one of two; equal requests have equal signatures."""
    secret, _ = derive(ORDER - 1, [b"", b"any bytes"])
    signature = sign_ecdsa(secret, message_hash)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    assert s <= ORDER // 2
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), multiple(secret))
    key.verify(encode_dss_signature(r, s), message_hash, ec.ECDSA(Prehashed(SHA256())))
    assert sign_ecdsa(secret, message_hash) == signature


FOUR = "0340" * 16
BIP340 = [
    (
        "3".zfill(64),
        "00" * 32,
        "00" * 32,
        (
            "E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA8215"
            "25F66A4A85EA8B71E482A74F382D2CE5EBEEE8FDB2172F477DF4900D310536C0"
        ),
    ),
    (
        "B7E151628AED2A6ABF7158809CF4F3C762E7160F38B4DA56A784D9045190CFEF",
        "1".zfill(64),
        "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89",
        (
            "6896BD60EEAE296DB48A229FF71DFE071BDE413E6D43F917DC8DCF8C78DE3341"
            "8906D11AC976ABCCB20B091292BFF4EA897EFCB639EA871CFA95F6DE339E4B0A"
        ),
    ),
    (
        "C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B14E5C9",
        "C87AA53824B4D7AE2EB035A2B5BBBCCC080E76CDC6D1692C4B0B62D798E6D906",
        "7E2D58D8B3BCDF1ABADEC7829054F90DDA9805AAB56C77333024B9D0A508B75C",
        (
            "5831AAEED7B44BB74E5EAB94BA9D4294C49BCF2A60728D8B4C200F50DD313C1B"
            "AB745879A5AD954A72C45A91C3A51D3C7ADEA98D82F8481E0E1E03674A6F3FB7"
        ),
    ),
    (
        "0B432B2677937381AEF05BB02A66ECD012773062CF3FA2549E44F58ED2401710",
        "FF" * 32,
        "FF" * 32,
        (
            "7EB0509757E246F19449885651611CB965ECC1A187DD51B64FDA1EDC9637D5EC"
            "97582B9CB13DB3933705B32BA982AF5AF25FD78881EBB32771FC5922EFC66EA3"
        ),
    ),
    (
        FOUR,
        "00" * 32,
        "",
        (
            "71535DB165ECD9FBBC046E5FFAEA61186BB6AD436732FCCC25291A55895464CF"
            "6069CE26BF03466228F19A3A62DB8A649F2D560FAC652827D1AF0574E427AB63"
        ),
    ),
    (
        FOUR,
        "00" * 32,
        "11",
        (
            "08A20A0AFEF64124649232E0693C583AB1B9934AE63B4C3511F3AE1134C6A303"
            "EA3173BFEA6683BD101FA5AA5DBC1996FE7CACFC5A577D33EC14564CEC2BACBF"
        ),
    ),
    (
        FOUR,
        "00" * 32,
        "0102030405060708090A0B0C0D0E0F1011",
        (
            "5130F39A4059B43BC7CAC09A19ECE52B5D8699D1A71E3C52DA9AFDB6B50AC370"
            "C4A482B77BF960F8681540E25B6771ECE1E5A37FD80E5A51897C5566A97EA5A5"
        ),
    ),
    (
        FOUR,
        "00" * 32,
        "99" * 100,
        (
            "403B12B0D8555A344175EA7EC746566303321E5DBFA8BE6F091635163ECA79A8"
            "585ED3E3170807E7C03B720FC54C7B23897FCBA0E9D0B4A06894CFD249F22367"
        ),
    ),
]


@pytest.mark.parametrize(
    ("secret", "auxiliary", "message", "signature"), BIP340, ids=["0", "1", "2", "3", "15", "16", "17", "18"]
)
def test_bip340(secret, auxiliary, message, signature):
    """The official vectors that have a secret key."""
    signed = bip340.sign(number(secret), bytes.fromhex(message), bytes.fromhex(auxiliary))
    assert signed.hex().upper() == signature


@pytest.mark.parametrize(
    ("secret", "root", "tweaked"),
    [
        (
            "6b973d88838f27366ed61c9ad6367663045cb456e28335c109e30717ae0c6baa",
            "",
            "2405b971772ad26915c8dcdf10f238753a9b837e5f8e6a86fd7c0cce5b7296d9",
        ),
        (
            "1e4da49f6aaf4e5cd175fe08a32bb5cb4863d963921255f33d3bc31e1343907f",
            "5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21",
            "ea260c3b10e60f6de018455cd0278f2f5b7e454be1999572789e6a9565d26080",
        ),
    ],
    ids=["without scripts", "with a tree of scripts"],
)
def test_bip341(secret, root, tweaked):
    """The official vectors of keys tweaked for Taproot (key path spending)."""
    assert bip340.tweak(number(secret), bytes.fromhex(root)) == number(tweaked)
