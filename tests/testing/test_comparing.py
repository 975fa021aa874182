"""Two networks as one: a planted difference is found, twins show none, ids and times may differ."""

from __future__ import annotations

import re

import pytest

from ic_harness.errors import InputError, RejectError
from ic_harness.networks import connect, deploy_canister, embedded
from ic_harness.principal import Principal
from ic_harness.replica import serve
from ic_harness.testing.comparing import ComparedNetwork, Difference
from ic_harness.testing.comparing.identifiers import Identifiers
from ic_harness.testing.comparing.values import Comparison

from . import counters

OTHER = counters.counter('(func (export "canister_post_upgrade"))', start=6)
"""The same interface, but it begins at 6."""
ONE, TWO = (
    Principal.from_text(text) for text in ("rrkah-fqaaa-aaaaa-aaaaq-cai", "ryjl3-tyaaa-aaaaa-aaaba-cai")
)


@pytest.fixture(scope="module")
def other():
    """A network with a canister already, so that ids differ."""
    with embedded(seed=b"another network") as network:
        network.create_canister()
        yield network


@pytest.fixture(scope="module")
def client(other):
    """The same, over HTTP."""
    server = serve(other.replica, port=0)
    with connect(server.url, deployer=other.deployer) as running:
        yield running
    server.stop()


@pytest.fixture
def compared(other):
    """Two embedded networks; calls to the second are put back."""
    first = embedded()
    with other.anchored():
        network = ComparedNetwork(first, other, wasm=OTHER, instead_of=counters.keeping())
        yield network
        first.close()


def used(network, wasm):
    """Deploy a counter, use it, upgrade it, and return the differences."""
    counter = deploy_canister(network, wasm)
    counter.increment()
    counter.upgrade()
    counter.get()
    counter.now()
    with pytest.raises(RejectError):
        network.agent(network.deployer).update(counter.canister_id, "missing", b"")
    return network.journal.take()


def test_a_planted_difference_is_found(compared):
    """The other build answers something else; each call that shows it is noted, with both answers."""
    calls, found = used(compared, counters.keeping())
    assert calls >= 4
    assert Difference("reply", "increment", "6", "7") in found
    assert Difference("reply", "get", "6", "7") in found or Difference("reply", "get", "6", "0") in found
    assert {it.place for it in found} <= {"increment", "get"}


def test_twins_show_none(compared):
    """The same build under another id, at another time, with rejects that name it: no difference."""
    calls, found = used(compared, counters.losing())
    assert calls >= 4
    assert found == []


def test_a_served_network(client):
    """An embedded network and one over HTTP; only what both can do is offered."""
    with embedded() as first:
        network = ComparedNetwork(first, client, wasm=OTHER, instead_of=counters.keeping())
        assert used(network, counters.losing())[1] == []
        assert [it.place for it in used(network, counters.keeping())[1]][:1] == ["increment"]
        assert "time" not in network.capabilities


def test_named_places_may_differ(other):
    """What matches a pattern is not noted."""
    with embedded() as first, other.anchored():
        ignored = [re.compile("^(get|increment)$")]
        network = ComparedNetwork(first, other, ignored=ignored, wasm=OTHER, instead_of=counters.keeping())
        assert used(network, counters.keeping())[1] == []


def test_costs_are_compared(other):
    """Calls that execute more instructions for the same answer are found."""
    with embedded() as first, other.anchored():
        network = ComparedNetwork(first, other, tolerance=0)
        counter = deploy_canister(network, counters.keeping())
        counter.increment()
        network.compare(
            counter.canister_id, "get", *_outcomes(first, other, network, counter.canister_id), update=False
        )
        assert [it.kind for it in network.journal.take()[1]] == ["instructions"]


def _outcomes(first, other, network, canister):
    """Ask `first` five hundred times and the other one once."""
    from ic_harness.testing.comparing.agent import outcome_of

    for _ in range(500):
        reply = outcome_of(lambda: first.bulk_agent().query(canister, "get", b""))
    return reply, outcome_of(lambda: other.bulk_agent().query(network.translated(canister), "get", b""))


def test_state_goes_back_on_both(compared):
    """A block that is put back is put back on both networks."""
    counter = deploy_canister(compared, counters.losing())
    with compared.anchored():
        counter.increment()
    assert counter.get() == 5
    assert compared.journal.take()[1] == []


def test_asynchronous_clients_are_refused(compared):
    """They would change the first network only."""
    with pytest.raises(InputError, match="cannot be compared"):
        compared.async_agent(compared.deployer)


@pytest.mark.parametrize(
    ("one", "two", "paths"),
    [
        ({1: 1, 2: "a"}, {1: 1, 2: "b"}, [".2"]),
        ([1, 2], [1, 3], ["[1]"]),
        ([1], [1, 2], [""]),
        ({1: 1}, {}, [".1"]),
        (True, 1, [""]),
        (ONE, TWO, []),
        ([ONE, ONE], [TWO, TWO], []),
        ([ONE, ONE], [TWO, ONE], ["[1]"]),
        ({1: 1_700_000_000}, {1: 1_600_000_001}, []),
        ({1: 1_700_000_000}, {1: 1_700_000_000}, []),
        (1_700_000_000_000_000_000, 1_600_000_000_000_000_000, []),
        (1_700_000_000_000_000_000, 1_600_000_000, [""]),
        (1_700_000, 1_600_000, [""]),
        (b"\xd9\xd9\xf7a", b"\xd9\xd9\xf7b", []),
        (b"a", b"b", [""]),
    ],
)
def test_values(one, two, paths):
    """Ids and times may differ, each in its own way; everything else may not."""
    comparison = Comparison(Identifiers(), times=(1_700_000_000 * 10**9, 1_600_000_000 * 10**9))
    assert [path for path, _, _ in comparison.differences("", one, two)] == paths


def test_ids_are_replaced_in_one_pass():
    """Two canisters that have each other's ids are not mixed up."""
    ids = Identifiers()
    assert ids.learn(ONE, TWO)
    assert ids.learn(TWO, ONE)
    assert not ids.learn(ONE, ONE)
    content = b"a" + ONE.raw + str(TWO).encode() + TWO.raw
    assert ids.there(content) == b"a" + TWO.raw + str(ONE).encode() + ONE.raw
    assert ids.back(ids.there(content)) == content
