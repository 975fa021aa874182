"""Subnets of the embedded network: how they are asked for, listed and chosen."""

from __future__ import annotations

import pytest

from ic_harness.errors import InputError
from ic_harness.networks import MissingCapabilityError, connect, deploy_canister, embedded, find_subnet
from ic_harness.principal import Principal
from tests.replica.support import CANISTERS, wasm

DID = CANISTERS / "rust" / "rust.did"


@pytest.fixture(scope="module")
def network():
    """An NNS and two application subnets."""
    with embedded(subnets={"application": 2, "nns": 1}) as running:
        yield running


def test_one_application_subnet_is_the_default():
    """Without subnets there is one application subnet, its own root; naming it changes nothing."""
    with embedded() as plain, embedded(subnets="application") as named:
        assert plain.root_key == named.root_key
        assert plain.subnets == named.subnets
        (subnet,) = plain.subnets
        assert (subnet.kind, subnet.size, len(subnet.node_ids)) == ("application", 13, 1)
        assert Principal.self_authenticating(plain.root_key) == subnet.id
        assert plain.create_canister() in subnet


def test_subnets_are_records(network):
    """The root is first; each subnet has an id, a kind, ranges and nodes of its own."""
    assert [subnet.kind for subnet in network.subnets] == ["nns", "application", "application"]
    assert [subnet.size for subnet in network.subnets] == [40, 13, 13]
    assert len({subnet.id for subnet in network.subnets}) == 3
    assert network.subnets[0].id == Principal.self_authenticating(network.root_key)


def test_canisters_are_created_on_the_subnet_that_is_named(network):
    """By record, id or kind, with signed and unsigned agents; without one, on the first application subnet."""
    nns, first, second = network.subnets
    named = {second: second, second.id: second, "nns": nns, str(first.id): first, None: first}
    for wanted, subnet in named.items():
        assert network.create_canister(subnet=wanted) in subnet
    assert network.create_canister(canister_id=Principal(bytes(7) + b"\x2a\x01\x01")) in nns


def test_deploy_takes_a_subnet(network):
    """Canisters of two subnets call each other; their clients verify certificates by delegation."""
    one, two = (
        deploy_canister(network, wasm("rust/rust"), (number,), interface=DID, subnet=subnet)
        for number, subnet in enumerate(network.subnets[1:])
    )
    assert one.forward(two._id, "get", b"DIDL\0\0", 0, None)["Ok"][-8:] == (1).to_bytes(8, "little")
    assert network.module_hash(one._id) == network.module_hash(two._id)
    assert network.exists(two._id)
    assert not network.exists(Principal(bytes.fromhex("00000001000000000101")))


def test_a_subnet_that_is_not_there_is_refused(network):
    """An unknown kind or id is refused with those that there are."""
    with pytest.raises(InputError, match="no subnet 'sns'"):
        network.create_canister(subnet="sns")
    assert find_subnet(network.subnets, "APPLICATION") == network.subnets[1]


def test_bulk_and_unsigned_calls_reach_every_subnet(network):
    """Calls without envelopes go to the canister's own subnet."""
    two = deploy_canister(network, wasm("rust/rust"), (5,), interface=DID, subnet=network.subnets[2])
    assert two.as_(Principal.self_authenticating(b"a user")).get() == 5
    reply = network.bulk_agent().query(two._id, "get", b"DIDL\0\0")
    assert reply[-8:] == (5).to_bytes(8, "little")


def test_metrics_and_logs_cover_all_subnets(network):
    """What canisters print and cost is told for every subnet, in one stream."""
    since, _ = network.log_stream()
    for subnet in network.subnets:
        canister = deploy_canister(network, wasm("rust/rust"), (0,), interface=DID, subnet=subnet)
        canister.print(f"from {subnet.kind}")
        assert network.logs(canister._id) == [f"from {subnet.kind}"]
        assert network.instructions(canister._id) > 0
    _, lines = network.log_stream(since)
    assert [line.text for line in lines] == ["from nns", "from application", "from application"]


def test_other_networks_do_not_list_subnets():
    """A network behind a URL says that it cannot."""
    with connect("http://127.0.0.1:1", root_key=b"key") as network, pytest.raises(MissingCapabilityError):
        network.create_canister(subnet="nns")
