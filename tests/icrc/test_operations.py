"""Random operations: the same for a seed, of every kind, and cut down to what is needed."""

from __future__ import annotations

from collections import Counter

import pytest

from ic_harness.icrc.model import LedgerModel, Rules
from ic_harness.icrc.operations import MINTING, funding, generate, shrink

RULES = Rules(fee=10, minting=MINTING)


def outcomes(operations):
    """How often each kind of call has which outcome on the model."""
    model = LedgerModel(RULES)
    seen: Counter[tuple[str, str]] = Counter()
    for call in funding(RULES):
        model.apply(call, 0)
    for operation in operations:
        model.now_ns += operation.wait_ns
        if operation.call is not None:
            tag = model.judge(operation.call)[0].tag
            seen[operation.call.kind, tag] += 1
            if tag == "Ok":
                model.apply(operation.call, 0)
    return model, seen


def test_a_seed_is_enough():
    """Equal seeds result in equal operations, others do not."""
    assert generate(1, 50, RULES) == generate(1, 50, RULES) != generate(2, 50, RULES)


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_and_error_occurs(seed):
    """1,000 operations have every kind of call, and each of its errors that the state causes."""
    _, seen = outcomes(generate(seed, 1000, RULES))
    assert {kind for kind, tag in seen if tag == "Ok"} == {"transfer", "approve", "transfer_from"}
    for tag in ("BadFee", "InsufficientFunds", "Duplicate"):
        assert seen["transfer", tag] > 5
        assert seen["transfer_from", tag] > 2
    assert seen["transfer_from", "InsufficientAllowance"] > 10
    assert seen["approve", "AllowanceChanged"] > 5
    assert sum(count for (_, tag), count in seen.items() if tag == "Ok") > 500


@pytest.mark.parametrize("seed", range(20))
def test_the_model_conserves_tokens(seed):
    """The balances of the model are its supply, and never negative."""
    model, _ = outcomes(generate(seed, 1000, RULES))
    assert sum(model.balances.values()) == model.supply
    assert min(model.balances.values()) >= 0


def test_what_cannot_be_done_is_not_generated():
    """Kinds that are left out do not occur."""
    operations = generate(3, 1000, RULES, without={"wait", "mint", "burn", "approve", "transfer_from"})
    assert not [it for it in operations if it.wait_ns]
    calls = [it.call for it in operations if it.call is not None]
    assert not [it for it in calls if MINTING in (it.source, it.target) or it.kind != "transfer"]


def test_operations_are_written_for_people():
    """The text of an operation has its kind, amount and accounts."""
    text = str(next(it for it in generate(1, 50, RULES) if it.call is not None and it.call.kind == "approve"))
    assert text.startswith("approve ")
    assert " from account " in text


def test_shrink_keeps_what_is_needed():
    """Only the operations that make it fail together are left."""
    operations = generate(4, 300, RULES)
    needed = {operations[17], operations[203]}
    tried = []

    def fails(some):
        tried.append(len(some))
        return needed <= set(some)

    assert set(shrink(operations, fails, 10_000)) == needed
    assert sum(tried) <= 10_000


def test_shrink_stops():
    """Without work left the list is as it was."""
    operations = generate(4, 30, RULES)
    assert shrink(operations, lambda _: True, 0) == operations
