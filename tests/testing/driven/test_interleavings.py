"""The explorer finds a check that is acted upon after an await, and nothing in its healthy twin."""

from __future__ import annotations

import pytest

from ic_harness.errors import InputError
from ic_harness.networks import embedded
from ic_harness.testing.interleavings import InterleavingError, explore, find_order


def takers(market, method, *names):
    return {name: lambda: market.shop.call(method, market.at) for name in names}


def exploring(market, method, *names, **options):
    actors = takers(market, method, *names)
    return find_order(market.network, actors, market.in_stock, canisters=market.canisters, **options)


@pytest.mark.parametrize(("names", "orders"), [(("alice", "bob"), 4), (("alice", "bob", "carol"), 18)])
def test_nothing_is_found_in_the_healthy_twin(market, names, orders):
    """All orders are tried, each once: of the first call's callback and the calls of the others."""
    result = exploring(market, "take", *names)
    assert result.order is None
    assert result.complete
    assert result.runs == orders


def test_a_check_before_an_await(market):
    """Two callers get the last piece; the order says how."""
    result = exploring(market, "take_faulty", "alice", "bob", "carol")
    assert result.problem.startswith("AssertionError: more was sold than there was")
    assert result.order is not None
    assert len(result.order) <= 2
    answers = list(result.answers.values())
    assert answers.count("returned True") == 2
    ran = [message.split(" ", 1)[1] for message in result.messages]
    assert ran[:2] == ["shop.take_faulty", "shop.take_faulty"]


def test_at_random(market):
    """Past the bound orders are drawn with a seed."""
    healthy = exploring(market, "take", "alice", "bob", "carol", systematic=2, drawn=5)
    assert (healthy.runs, healthy.complete, healthy.order) == (7, False, None)
    first = exploring(market, "take_faulty", "alice", "bob", systematic=0, drawn=50, seed=7)
    again = exploring(market, "take_faulty", "alice", "bob", systematic=0, drawn=50, seed=7)
    assert first.order is not None
    assert (first.runs, first.order, first.messages) == (again.runs, again.order, again.messages)


def test_the_test_to_paste(market):
    """It fails as long as the fault is there, and passes once it is mended."""
    method = "take_faulty"

    def test_stock():
        actors = takers(market, method, "alice", "bob")
        explore(market.network, actors, market.in_stock, canisters=market.canisters)

    with pytest.raises(InterleavingError, match="an order of messages breaks the invariant") as caught:
        test_stock()
    names = {"explore": explore, "takers": takers, "market": market, "method": method}
    exec(caught.value.result.test, names)
    with pytest.raises(InterleavingError):
        names["test_stock_again"]()
    names["method"] = "take"
    names["test_stock_again"]()


def test_what_actors_say_counts(market):
    """The invariant may take what the actors returned; an assertion of an actor is a finding, a reject is not."""

    def spends():
        market.shop.spend(market.at, 101)

    def claims():
        assert market.shop.take(market.at) is True, "it was sold out"

    one = find_order(market.network, {"alice": spends, "bob": claims}, lambda seen: seen == {"bob": None})
    assert one.order is None
    two = find_order(market.network, {"alice": claims, "bob": claims}, lambda: None)
    assert "it was sold out" in two.problem


def test_a_chain_of_calls(market):
    """The shop runs three messages of one and two of the other; the vault gets its calls in the order of the shop."""

    def buys():
        market.shop.buy(market.at)
        return market.shop.state()

    actors = {"alice": buys, "bob": lambda: market.shop.spend(market.at, 5)}
    result = find_order(market.network, actors, lambda: market.shop.state()["credit"] == 95)
    assert result.order is None
    assert result.complete
    assert result.runs == 10


def test_refusals(market):
    """What cannot be explored is refused by name."""
    with pytest.raises(InputError, match="name of an actor"):
        find_order(market.network, {"a b": lambda: None}, lambda: None)
    with embedded(subnets="application,nns") as several, pytest.raises(InputError, match="one subnet"):
        find_order(several, {"alice": lambda: None}, lambda: None)
