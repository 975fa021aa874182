"""The reduction tries every order that differs, and none twice: against all orders of small models."""

from __future__ import annotations

import random

import pytest

from ic_harness.testing.interleavings.partial_orders import Event, PartialOrders
from ic_harness.testing.interleavings.shrinking import shortest


def model(chance):
    """Messages as (id, canister, id of the cause or None); a cause comes before what it causes."""
    canisters = [b"a", b"b", b"c"][: chance.randint(1, 3)]
    found: list[tuple[str, bytes, str | None]] = []
    for number in range(chance.randint(2, 6)):
        cause = chance.choice([None, *(one[0] for one in found)])
        found.append((f"m{number}", chance.choice(canisters), cause))
    return found


def ready(messages, ran):
    return {
        name: canister
        for name, canister, cause in messages
        if name not in ran and (cause is None or cause in ran)
    }


def all_orders(messages, ran=()):
    if len(ran) == len(messages):
        yield ran
    for name in ready(messages, ran):
        yield from all_orders(messages, (*ran, name))


def what_canisters_see(messages, order):
    """Orders are alike when every canister runs the same messages in the same order."""
    where = {name: canister for name, canister, _ in messages}
    return frozenset(
        (canister, tuple(name for name in order if where[name] == canister)) for canister in where.values()
    )


def explored(messages):
    orders, runs = PartialOrders(), []
    where = {name: (canister, cause) for name, canister, cause in messages}
    while orders.open:
        orders.begin()
        ran: list[str] = []
        while len(ran) < len(messages) and (chosen := orders.choose(ready(messages, ran))) is not None:
            ran.append(chosen)
        if len(ran) == len(messages):
            runs.append(tuple(ran))
        causes = [
            frozenset({ran.index(where[name][1])} if where[name][1] is not None else ()) for name in ran
        ]
        orders.finish([Event(name, where[name][0], why) for name, why in zip(ran, causes, strict=True)])
    return runs


@pytest.mark.parametrize("seed", range(60))
def test_every_order_that_differs_is_tried_once(seed):
    messages = model(random.Random(seed))
    every = {what_canisters_see(messages, order) for order in all_orders(messages)}
    runs = [what_canisters_see(messages, order) for order in explored(messages)]
    assert set(runs) == every
    assert len(runs) == len(every)


def test_the_shortest_order():
    """Only what is needed is left, and nothing is asked twice beyond the bound."""
    asked = []

    def fails(order):
        asked.append(tuple(order))
        return "c" in order and "f" in order and order.index("f") < order.index("c")

    assert shortest(list("abfdcge"), fails) == ["f", "c"]
    assert len(asked) < 40
    assert shortest(["a"], lambda _: True) == []
