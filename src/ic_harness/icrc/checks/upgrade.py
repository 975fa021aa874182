"""Checks of what an upgrade must keep."""

from __future__ import annotations

from typing import Final

from ic_harness.icrc.assertions import answers, equal
from ic_harness.icrc.scene import SECOND_NS, Scene

from .registry import check

_SUB: Final = b"\x04" * 32


@check("TU1")
def balances_survive_an_upgrade(scene: Scene) -> None:
    """Balances of accounts and subaccounts, total supply, minting account and metadata are the same."""
    alice, bob = scene.funded("alice"), scene.caller("bob")
    scene.fund(bob.account(_SUB), scene.unit)
    answers(alice.transfer(bob, scene.unit), "Ok", "a transfer")

    def state() -> dict[str, object]:
        ledger = scene.reader
        return {
            "alice": alice.balance(),
            "bob": bob.balance(),
            "a subaccount of bob": bob.balance(_SUB),
            "total supply": scene.supply() if scene.alone else None,
            "minting account": ledger.icrc1_minting_account(),
            "metadata": sorted(ledger.icrc1_metadata(), key=lambda entry: entry[0]),
        }

    before = state()
    scene.upgrade()
    after = state()
    for name, value in before.items():
        equal(after[name], value, f"after an upgrade: {name}")
    answers(alice.transfer(bob, 1), "Ok", "a transfer after an upgrade")


@check("TU2")
def allowances_survive_an_upgrade(scene: Scene) -> None:
    """Amount and end of allowances are the same, and they can be spent."""
    alice, bob, carol = scene.funded("alice"), scene.caller("bob"), scene.caller("carol")
    end = scene.now_ns() + 3600 * SECOND_NS
    answers(alice.approve(bob, scene.unit, expires_at=end), "Ok", "an approval with an end")
    answers(alice.approve(carol, 2 * scene.unit), "Ok", "an approval without an end")
    before = [scene.allowance(alice, spender) for spender in (bob, carol)]
    scene.upgrade()
    after = [scene.allowance(alice, spender) for spender in (bob, carol)]
    equal(after, before, "the allowances after an upgrade")
    answers(carol.transfer_from(alice, carol, 5), "Ok", "a transfer_from after an upgrade")


@check("TU3")
def duplicates_are_known_after_an_upgrade(scene: Scene) -> None:
    """Transactions that were executed before an upgrade are duplicates after it."""
    alice, bob = scene.funded("alice"), scene.caller("bob")
    fields = {"created_at_time": scene.now_ns()}
    first = alice.transfer(bob, 5, **fields)
    answers(first, "Ok", "a transfer that was created now")
    scene.upgrade()
    had = bob.balance()
    again = alice.transfer(bob, 5, **fields)
    answers(again, "Duplicate", "the same transfer after an upgrade", first.value)
    equal(bob.balance(), had, "the receiver's balance after the repetition")
