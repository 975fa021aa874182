"""Addresses: the vectors of BIP173 and BIP350, and base58check of each network."""

from __future__ import annotations

import pytest

from ic_harness.replica.bitcoin import AddressError, Network, script_of
from ic_harness.replica.bitcoin.addresses import decode_bech32

# BIP173 and BIP350, "Test vectors".
BECH32 = [
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
]
BECH32M = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
NO_BECH32 = [
    "\x201nwldj5",
    "\x7f1axkwrx",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]
SEGWIT = [
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    (
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    (
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
    ),
    ("BC1SW50QGDZ25J", "6002751e"),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
    (
        "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
        "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
        "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
    ),
    (
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    ),
]
NO_SEGWIT = [
    "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
    "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
    "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
    "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
    "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
    "bc1pw5dgrnzv",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
    "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
    "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
    "bc1gmk9yu",
]


@pytest.mark.parametrize(("texts", "encoding"), [(BECH32, "bech32"), (BECH32M, "bech32m")])
def test_valid_checksums(texts, encoding):
    """Valid texts have the checksum of their encoding; one wrong letter is found."""
    for text in texts:
        assert decode_bech32(text)[2] == encoding
        last = "q" if text[-1].lower() != "q" else "p"
        with pytest.raises(AddressError):
            decode_bech32(text.lower()[:-1] + last)


@pytest.mark.parametrize("text", NO_BECH32)
def test_invalid_checksums(text):
    """Invalid texts are refused."""
    with pytest.raises(AddressError):
        decode_bech32(text)


@pytest.mark.parametrize(("address", "script"), SEGWIT)
def test_segwit_addresses(address, script):
    """The scripts of segregated witness addresses."""
    network = Network.MAINNET if address.lower().startswith("bc") else Network.TESTNET
    assert script_of(address, network).hex() == script
    with pytest.raises(AddressError):
        script_of(address, Network.REGTEST)


@pytest.mark.parametrize("address", NO_SEGWIT)
@pytest.mark.parametrize("network", Network)
def test_invalid_segwit_addresses(address, network):
    """Invalid addresses are refused by every network."""
    with pytest.raises(AddressError):
        script_of(address, network)


def test_base58():
    """P2PKH and P2SH of mainnet and of the test networks, which do not take each other's."""
    first = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    assert script_of(first, Network.MAINNET).hex() == "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac"
    shared = "3P14159f73E4gFr7JterCCQh9QjiTjiZrG"
    assert script_of(shared, Network.MAINNET).hex() == "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87"
    test = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
    assert script_of(test, Network.REGTEST) == script_of(test, Network.TESTNET)
    for wrong in (test, first[:-1] + "b", first + "1", "", "0" * 30, "I" * 30, "1" * 30):
        with pytest.raises(AddressError):
            script_of(wrong, Network.MAINNET)
