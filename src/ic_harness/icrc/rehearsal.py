"""What the gate's rehearsal of an upgrade stores in a ledger, and compares afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ._generated import Allowance
from .answers import Answer
from .assertions import BrokenError, NotApplicableError, answers, equal
from .scene import SECOND_NS, Scene

_HOLDERS: Final = ("ada", "barbara", "grace")
_SPENDER: Final = "spender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a ledger had before an upgrade: balances and allowances by holder, and a transfer with its block."""

    balances: dict[str, int]
    supply: int | None
    allowances: dict[str, Allowance]
    created_at: int
    sent: Answer

    def __str__(self) -> str:
        counted = f"{len(self.balances)} balances, {len(self.allowances)} allowances"
        return f"{counted} and a transaction that can be repeated"


def store(scene: Scene) -> Stored:
    """Fund holders, approve a spender and make a transfer. Raises `BrokenError` when the ledger refuses one."""
    for name in _HOLDERS:
        scene.funded(name)
    created = scene.now_ns()
    sent = scene.caller(_HOLDERS[0]).transfer(scene.caller(_SPENDER), 5, created_at_time=created)
    answers(sent, "Ok", "a transfer before the upgrade")
    allowances = {}
    try:
        for place, name in enumerate(_HOLDERS):
            end = None if place == 0 else created + 7 * 24 * 3600 * SECOND_NS
            answer = scene.caller(name).approve(scene.caller(_SPENDER), scene.unit + place, expires_at=end)
            answers(answer, "Ok", "an approval before the upgrade")
            allowances[name] = _allowance(scene, name)
    except NotApplicableError:  # ICRC-1 alone has no approvals
        allowances = {}
    return Stored(
        balances=_balances(scene), supply=_supply(scene), allowances=allowances, created_at=created, sent=sent
    )


def compare(scene: Scene, stored: Stored, when: str) -> Iterator[tuple[str, str]]:
    """Yield what is missing or different, each with the id of the guarantee that it breaks."""
    for id_, check in (("TU1", _compare_balances), ("TU2", _compare_allowances), ("TU3", _compare_memory)):
        with _collected() as seen:
            check(scene, stored)
        yield from ((f"{when}: {text}", id_) for text in seen)


def go_on(scene: Scene) -> None:
    """Make a new transfer. Raises `BrokenError` when the ledger refuses it."""
    alice, bob = scene.funded("later"), scene.caller(_SPENDER)
    answers(alice.transfer(bob, 5), "Ok", "a new transfer")


@contextmanager
def _collected() -> Iterator[list[str]]:
    seen: list[str] = []
    try:
        yield seen
    except BrokenError as error:
        seen.append(str(error))


def _compare_balances(scene: Scene, stored: Stored) -> None:
    for name, balance in _balances(scene).items():
        equal(balance, stored.balances[name], f"the balance of {name}")
    equal(_supply(scene), stored.supply, "the total supply")


def _compare_allowances(scene: Scene, stored: Stored) -> None:
    for name, allowance in stored.allowances.items():
        equal(_allowance(scene, name), allowance, f"the allowance of {name}'s spender")


def _compare_memory(scene: Scene, stored: Stored) -> None:
    holder, spender = scene.caller(_HOLDERS[0]), scene.caller(_SPENDER)
    again = holder.transfer(spender, 5, created_at_time=stored.created_at)
    answers(again, "Duplicate", "a transfer from before the upgrade, sent again", stored.sent.value)


def _balances(scene: Scene) -> dict[str, int]:
    return {name: scene.caller(name).balance() for name in (*_HOLDERS, _SPENDER)}


def _supply(scene: Scene) -> int | None:
    return scene.supply() if scene.alone else None


def _allowance(scene: Scene, name: str) -> Allowance:
    return scene.allowance(scene.caller(name), scene.caller(_SPENDER))
