"""Cycles: what a canister sees of its balance, takes, attaches and burns, and what things cost."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Mode
from ic_harness.replica.state.fees import Fees
from ic_harness.units import MAX_CYCLES

from .canisters import canister

REPLY_16 = "(call $ic0.msg_reply_data_append (i32.const 0) (i32.const 16)) (call $ic0.msg_reply)"
WALLET = canister(f"""
  (func (export "canister_update balance") (call $ic0.canister_cycle_balance128 (i32.const 0)) {REPLY_16})
  (func (export "canister_update liquid") (call $ic0.canister_liquid_cycle_balance128
    (i32.const 0)) {REPLY_16})
  (func (export "canister_update balance_64")
    (i64.store (i32.const 0) (call $ic0.canister_cycle_balance)) {REPLY_16})
  (func (export "canister_update accept")
    (call $ic0.msg_cycles_accept128 (i64.const 1) (i64.const 5) (i32.const 0)) {REPLY_16})
  (func (export "canister_update accept_then_balance")
    (drop (call $ic0.msg_cycles_accept (i64.const 60)))
    (call $ic0.canister_cycle_balance128 (i32.const 0)) {REPLY_16})
  (func (export "canister_update accept_then_liquid")
    (drop (call $ic0.msg_cycles_accept (i64.const 60)))
    (call $ic0.canister_liquid_cycle_balance128 (i32.const 0)) {REPLY_16})
  (func (export "canister_update accept_twice")
    (drop (call $ic0.msg_cycles_accept (i64.const 60)))
    (call $ic0.msg_cycles_accept128 (i64.const 0) (i64.const 60) (i32.const 0)) {REPLY_16})
  (func (export "canister_update accept_and_trap") (drop (call $ic0.msg_cycles_accept (i64.const 60)))
    (unreachable))
  (func (export "canister_update available_after")
    (call $ic0.msg_reply) (call $ic0.msg_cycles_available128 (i32.const 0))
    (call $ic0.msg_cycles_accept128 (i64.const 0) (i64.const 5) (i32.const 16))
    (call $ic0.debug_print (i32.const 0) (i32.const 32)))
  (func (export "canister_update available_late")
    (call $ic0.msg_cycles_available128 (i32.const 0)) (call $ic0.debug_print (i32.const 0) (i32.const 16)))
  (func (export "canister_update available_64")
    (i64.store (i32.const 0) (call $ic0.msg_cycles_available)) {REPLY_16})
  (func (export "canister_update refunded") (call $ic0.msg_cycles_refunded128 (i32.const 0)) {REPLY_16})
  (func (export "canister_update burn")
    (call $ic0.cycles_burn128 (i64.const 0) (i64.const 500) (i32.const 0)) {REPLY_16})
  (func (export "canister_update burn_then_balance")
    (call $ic0.cycles_burn128 (i64.const 0) (i64.const 500) (i32.const 0))
    (call $ic0.canister_cycle_balance128 (i32.const 0)) {REPLY_16})
""")


def number(reply: bytes) -> int:
    """A 128-bit reply."""
    return int.from_bytes(reply, "little")


def test_balances(install):
    """Balances are 128 bits, little endian; the 64-bit function traps when that is not enough."""
    canister_ = install(WALLET)
    assert number(canister_.reply("balance", balance=1 << 100)) == 1 << 100
    assert number(canister_.reply("liquid", liquid_balance=77)) == 77
    assert number(canister_.reply("balance_64", balance=5)) == 5
    message = canister_.trap("balance_64", balance=1 << 64).message
    assert message == "Canister trapped: cycles amount exceeds 64-bit representation"


def test_accept(install):
    """A canister takes what it asks for, up to what came; what is taken is told when it succeeds."""
    canister_ = install(WALLET)
    for available, taken in ((3, 3), (1 << 70, (1 << 64) + 5)):
        outcome = canister_.ok("accept", cycles_available=available)
        assert number(outcome.effects.answer.data) == taken == outcome.effects.cycles_accepted
    outcome = canister_.ok("accept_twice", cycles_available=100)
    assert (number(outcome.effects.answer.data), outcome.effects.cycles_accepted) == (40, 100)


def test_accept_up_to_a_full_balance(install):
    """A balance holds 128 bits: what would not fit is not taken, and goes back with the answer."""
    canister_ = install(WALLET)
    for room in (0, 7, 1 << 70):
        outcome = canister_.ok("accept", balance=MAX_CYCLES - room, cycles_available=MAX_CYCLES)
        assert outcome.effects.cycles_accepted == min(room, (1 << 64) + 5)
    assert number(canister_.reply("balance", balance=MAX_CYCLES + 5)) == MAX_CYCLES


def test_cycles_stay_available_in_the_message_that_answers(install):
    """The refund is made when the message ends (as in DFINITY's replica); a later message finds nothing."""
    outcome = install(WALLET).ok("available_after", cycles_available=9)
    assert (number(outcome.logs[0][:16]), number(outcome.logs[0][16:])) == (9, 5)
    assert outcome.effects.cycles_accepted == 5
    late = install(WALLET).ok("available_late", cycles_available=9, answered=True)
    assert number(late.logs[0]) == 0


def test_a_balance_saturates_at_128_bits(install):
    """A balance beyond 2^128 - 1 is seen as 2^128 - 1."""
    wallet = install(WALLET)
    full = {"balance": (1 << 128) - 1, "liquid_balance": (1 << 128) - 1, "cycles_available": 60}
    assert number(wallet.reply("accept_then_balance", **full)) == (1 << 128) - 1
    assert number(wallet.reply("accept_then_liquid", **full)) == (1 << 128) - 1


def test_64_bit_amounts(install):
    """The 64-bit functions trap where the amount needs more."""
    assert number(install(WALLET).reply("available_64", cycles_available=9)) == 9
    assert install(WALLET).trap("available_64", cycles_available=1 << 64).error_code == 502


def test_refund(install):
    """A callback sees what came back."""
    assert number(install(WALLET).reply("refunded", Mode.REPLY, cycles_refunded=8)) == 8


def test_burn(install):
    """Cycles are burned down to the freezing threshold, and are gone at once."""
    canister_ = install(WALLET)
    outcome = canister_.ok("burn", balance=1000, liquid_balance=300)
    assert (number(outcome.effects.answer.data), outcome.effects.cycles_burned) == (300, 300)
    assert number(canister_.reply("burn_then_balance", balance=1000, liquid_balance=900)) == 500


MINT = canister(f"""
  (func (export "canister_update mint")
    (call $ic0.mint_cycles128 (i64.const 1) (i64.const 5) (i32.const 0)) {REPLY_16})
  (func (export "canister_update mint_then_balance")
    (call $ic0.mint_cycles128 (i64.const 0) (i64.const 5) (i32.const 0))
    (call $ic0.canister_cycle_balance128 (i32.const 0)) {REPLY_16})
""")
MINTING_CANISTER = bytes.fromhex("00000000000000040101")


def test_mint(install):
    """The cycles minting canister creates cycles, up to what its balance can hold."""
    canister_ = install(MINT)
    outcome = canister_.ok("mint", canister_id=MINTING_CANISTER)
    assert (number(outcome.effects.answer.data), outcome.effects.cycles_minted) == ((1 << 64) + 5,) * 2
    assert number(canister_.reply("mint", canister_id=MINTING_CANISTER, balance=MAX_CYCLES - 3)) == 3
    assert number(canister_.reply("mint_then_balance", canister_id=MINTING_CANISTER, balance=10)) == 15


def test_no_other_canister_mints(install):
    """Any other canister that mints traps, with the text of the network."""
    trap = install(MINT).trap("mint")
    assert trap.error_code == 504
    assert trap.message == (
        "Canister violated contract: ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: "
        "rrkah-fqaaa-aaaaa-aaaaq-cai != rkp4c-7iaaa-aaaaa-aaaca-cai"
    )


COSTS = canister(f"""
  (data (i32.const 100) "key_1nope")
  (func (export "canister_update call") (call $ic0.cost_call (i64.const 3) (i64.const 7)
    (i32.const 0)) {REPLY_16})
  (func (export "canister_update create") (call $ic0.cost_create_canister (i32.const 0)) {REPLY_16})
  (func (export "canister_update http")
    (call $ic0.cost_http_request (i64.const 100) (i64.const 1000) (i32.const 0)) {REPLY_16})
  (func (export "canister_update ecdsa")
    (if (call $ic0.cost_sign_with_ecdsa (i32.const 100) (i32.const 5) (i32.const 0) (i32.const 0))
      (then (unreachable))) {REPLY_16})
  (func (export "canister_update codes")
    (i32.store8 (i32.const 0) (call $ic0.cost_sign_with_ecdsa (i32.const 100) (i32.const 5) (i32.const 9)
      (i32.const 0)))
    (i32.store8 (i32.const 1) (call $ic0.cost_sign_with_schnorr (i32.const 105) (i32.const 4)
      (i32.const 1) (i32.const 0)))
    (i32.store8 (i32.const 2) (call $ic0.cost_vetkd_derive_key (i32.const 100) (i32.const 5) (i32.const 1)
      (i32.const 0)))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 3)) (call $ic0.msg_reply))
""")


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("call", Fees().call(10)),
        ("create", 500_000_000_000),
        ("http", Fees().http_request(100, 1000)),
        ("ecdsa", 26_153_846_153),
    ],
)
def test_prices(install, name, price):
    """The cost functions return the prices of the subnet; on a free one everything is 0."""
    assert number(install(COSTS).reply(name, fees=Fees())) == price
    assert number(install(COSTS).reply(name)) == 0


def test_unknown_keys_have_no_price(install):
    """An unknown curve is 1, an unknown key name 2."""
    assert install(COSTS).reply("codes") == b"\x01\x02\x01"
