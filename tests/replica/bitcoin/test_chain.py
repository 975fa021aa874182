"""Transactions, blocks and chains: public vectors, validity, fees."""

from __future__ import annotations

import pytest

from ic_harness.replica.bitcoin import (
    Chain,
    Network,
    RefusedError,
    Transaction,
    TransactionError,
    parse_transaction,
    script_of,
)
from ic_harness.replica.bitcoin.addresses import double_sha256
from ic_harness.replica.bitcoin.blocks import TARGET, merkle_root
from ic_harness.replica.bitcoin.transactions import TxIn, TxOut

ALICE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
BOB = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"
COIN = 100_000_000
# BIP143, "Native P2WPKH": the signed transaction, and its id without witnesses.
P2WPKH = (
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb"
    "62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3"
    "ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb2060000000019"
    "76a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa8159"
    "88ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e"
    "8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000"
)
# The first transaction of Bitcoin.
GENESIS = (
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d"
    "65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f7220"
    "62616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f"
    "4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)


def spending(points, *outputs, witness=()):
    return Transaction(
        2,
        tuple(TxIn(point, witness=witness) for point in points),
        tuple(TxOut(value, script_of(address, Network.REGTEST)) for address, value in outputs),
    )


@pytest.fixture
def chain():
    """A chain on which Alice can spend the reward of block 1."""
    made = Chain(Network.REGTEST)
    made.mine(ALICE, 100)
    return made


def reward(chain):
    return chain.blocks[1].transactions[0].id, 0


def test_public_transactions():
    """Transactions of others are read, written as they were, and have their known ids."""
    genesis = parse_transaction(bytes.fromhex(GENESIS))
    known = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert genesis.id[::-1].hex() == known
    assert genesis.is_coinbase
    segwit = parse_transaction(bytes.fromhex(P2WPKH))
    assert segwit.encoded().hex() == P2WPKH
    assert segwit.has_witness
    assert segwit.virtual_size == (3 * len(segwit.encoded(witness=False)) + len(P2WPKH) // 2 + 3) // 4


def test_bytes_that_are_no_transaction():
    """Every cut and every wrong length is an error, never an exception of another kind."""
    whole = bytes.fromhex(P2WPKH)
    for length in range(len(whole)):
        with pytest.raises(TransactionError):
            parse_transaction(whole[:length])
    for content in (whole + b"\0", b"\1\0\0\0\xff" + b"\xff" * 8, b"\1\0\0\0\xfd\1\0", bytes(4_000_001)):
        with pytest.raises(TransactionError):
            parse_transaction(content)


def test_headers_chain(chain):
    """Headers have 80 bytes, name the block before, meet their target and have the root of their transactions."""
    for before, block in zip(chain.blocks, chain.blocks[1:], strict=False):
        assert len(block.header) == 80
        assert block.header[4:36] == before.hash
        assert int.from_bytes(double_sha256(block.header), "little") <= TARGET
        assert block.header[36:68] == merkle_root([one.id for one in block.transactions])


def test_a_payment(chain):
    """A transaction waits, is confirmed by the next block, and its fee goes to the miner."""
    paid = spending([reward(chain)], (BOB, 20 * COIN), (ALICE, 29 * COIN), witness=(b"sig", b"key"))
    chain.send(paid)
    assert chain.send(paid) == paid.id
    assert sum(one.value for one in chain.utxos(BOB)) == 0
    chain.mine(ALICE)
    assert [one.value for one in chain.utxos(BOB)] == [20 * COIN]
    assert chain.utxos(BOB, min_confirmations=2) == []
    assert chain.mempool == {}
    coinbase, confirmed = chain.blocks[-1].transactions
    assert confirmed == paid
    assert coinbase.outputs[0].value == 51 * COIN
    assert coinbase.outputs[1].script[:6].hex() == "6a24aa21a9ed"
    assert set(chain.fee_percentiles()) == {1000 * COIN // paid.virtual_size}
    assert len(chain.fee_percentiles()) == 101


def test_children_of_waiting_transactions(chain):
    """Outputs of a waiting transaction can be spent in the same block."""
    parent = spending([reward(chain)], (BOB, 50 * COIN))
    child = spending([(parent.id, 0)], (ALICE, 49 * COIN))
    chain.send(parent)
    chain.send(child)
    chain.mine(BOB)
    assert [one.value for one in chain.utxos(BOB)] == [51 * COIN]


def test_what_is_not_valid(chain):
    """Missing, spent and immature outputs, too much going out, and a second spending are refused with the reason."""
    young = chain.blocks[50].transactions[0].id, 0
    cases = {
        "does not exist": spending([(b"x" * 32, 0)], (BOB, 1)),
        "coinbase output of less than 100 blocks": spending([young], (BOB, 1)),
        "more goes out": spending([reward(chain)], (BOB, 51 * COIN)),
        "out of range": spending([reward(chain)], (BOB, -1)),
        "spends an output twice": spending([reward(chain), reward(chain)], (BOB, 1)),
        "inputs and outputs": spending([reward(chain)]),
    }
    for text, transaction in cases.items():
        with pytest.raises(RefusedError, match=text):
            chain.send(transaction)
    chain.send(spending([reward(chain)], (BOB, 1)))
    with pytest.raises(RefusedError, match="waits for a block"):
        chain.send(spending([reward(chain)], (BOB, 2)))
    chain.mine(ALICE)
    with pytest.raises(RefusedError, match="is spent"):
        chain.send(spending([reward(chain)], (BOB, 2)))


def test_rewards_are_halved():
    """The reward of regtest is halved every 150 blocks."""
    chain = Chain(Network.REGTEST)
    chain.mine(BOB, 300)
    values = [block.transactions[0].outputs[0].value for block in chain.blocks]
    assert (values[149], values[150], values[300]) == (50 * COIN, 25 * COIN, 12.5 * COIN)
