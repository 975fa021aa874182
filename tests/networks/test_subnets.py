"""Subnets of the embedded network: how they are asked for, listed and chosen."""

from __future__ import annotations

import pytest

from ic_harness.agent import Management
from ic_harness.errors import InputError, ReplicaError, StateError
from ic_harness.history.failure_file import FailedTest, failure_of, read_failure, write_failure
from ic_harness.history.replayer import Replayer
from ic_harness.networks import (
    MissingCapabilityError,
    connect,
    deploy_canister,
    download_snapshot,
    embedded,
    find_subnet,
    upload_snapshot,
)
from ic_harness.principal import Principal
from tests.replica.support import CANISTERS, wasm

from .asker import Asker, Failed

URL = "https://a.example/"
FOUND = {"status": 200, "headers": [], "body": b"found"}
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
    with connect("http://127.0.0.1:1", root_key=b"key") as network:
        with pytest.raises(MissingCapabilityError):
            network.create_canister(subnet="nns")
        with pytest.raises(MissingCapabilityError, match="list and add subnets"):
            network.add_subnet("application")


# --- subnets that are added later ----------------------------------------------------------------------------


def counter(network, subnet, start=0):
    """The Rust fixture on a subnet."""
    return deploy_canister(network, wasm("rust/rust"), (start,), interface=DID, subnet=subnet)


def test_a_subnet_is_added_to_a_running_network(network):
    """Its record is the last of `subnets`; canisters are made on it by record, id, or an id of its ranges."""
    with network.anchored():
        made = network.add_subnet("Bitcoin")
        large = network.add_subnet("application", nodes=34)
        assert network.subnets[-2:] == (made, large)
        assert [(one.kind, one.size) for one in (made, large)] == [("bitcoin", 13), ("application", 34)]
        of_mainnet = Principal.from_text("g4xu7-jiaaa-aaaan-aaaaq-cai")
        assert network.create_canister(canister_id=of_mainnet) in made
        one, two = (counter(network, subnet, 4) for subnet in (network.subnets[1], large))
        assert two._id in large
        assert one.forward(two._id, "get", b"DIDL\0\0", 0, None)["Ok"][-8:] == (4).to_bytes(8, "little")
        assert network.create_canister() in network.subnets[1]
        since, _ = network.log_stream()
        two.print("here")
        assert [line.text for line in network.log_stream(since)[1]] == ["here"]
        assert network.instructions(two._id) > 0
    assert len(network.subnets) == 3
    assert not network.exists(two._id)


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        ("aplication", {}, "application"),
        ("nns", {}, "root of a network"),
        ("system", {"nodes": 0}, "1 to 100 nodes"),
        ("application=2", {}, "no kind"),
    ],
)
def test_what_cannot_be_added(network, kind, options, problem):
    """An unknown kind, a second NNS and a size that there is not are refused, and change nothing."""
    with pytest.raises(InputError, match=problem):
        network.add_subnet(kind, **options)
    assert len(network.subnets) == 3


def test_a_network_of_one_subnet_says_how():
    """The one subnet of a plain network has every canister id; the sentence says how to begin with several."""
    with (
        embedded() as plain,
        pytest.raises(ReplicaError, match='Open the network with several, such as subnets="app'),
    ):
        plain.add_subnet("application")


def test_outcalls_of_added_subnets():
    """Responses that a test orders before a subnet is added, or while it is gone, are for its canisters too."""
    with embedded(subnets="application=2") as network:
        before = network.snapshot()
        network.add_subnet("system")
        asker = Asker(network, subnet="system")
        assert isinstance(asker.ask(URL), Failed)
        there = network.snapshot()
        network.restore(before)
        network.outcalls.when("GET", URL).reply(200, b"found")
        network.restore(there)
        assert asker.ask(URL) == FOUND
        network.restore(before)
        network.add_subnet("system")
        assert Asker(network, subnet="system").ask(URL) == FOUND


def test_canister_snapshots_of_added_subnets(network, tmp_path):
    """A canister on an added subnet is downloaded as files, and uploaded to a canister of another network."""
    with network.anchored(), embedded() as other:
        source = counter(network, network.add_subnet("application"), 12)
        download_snapshot(Management(network.agent(network.deployer)), source._id, tmp_path / "files")
        target, theirs = counter(other, None), Management(other.agent(other.deployer))
        loaded = upload_snapshot(theirs, target._id, tmp_path / "files", network_key=other.root_key)
        theirs.load_canister_snapshot(target._id, loaded)
        assert target.get() == 12


def test_the_history_of_a_network_with_added_subnets(tmp_path):
    """States before and after each message are found on either side of the addition; a failure file keeps it."""
    with embedded(subnets="application", history=True) as plain, pytest.raises(ReplicaError):
        plain.add_subnet("application")
    with embedded(subnets="application=2", history=True) as network:
        recorder, one = network.record(), counter(network, "application", 1)
        start = network.snapshot()
        two = counter(network, network.add_subnet("application"), 5)
        one.add(1)
        two.add(2)
        one.forward(two._id, "get", b"DIDL\0\0", 0, None)
        adds = [step for step in network.history if step.method == "add"]
        for step, canister, values in [
            (adds[1], two, (5, 7)),
            (adds[0], one, (1, 2)),
            (adds[1], two, (5, 7)),
        ]:
            seen = tuple(moment.client(canister).get() for moment in (step.before, step.after))
            assert seen == values
        first = network.history[0]
        assert two._id not in first.before.canisters
        assert adds[1].after.client(two).get() == 7
        test = FailedTest(name="a", error="b", message="c")
        path = tmp_path / "x.ic-failure"
        write_failure(path, failure_of(test, recorder.setup, recorder.events))
        again = read_failure(path)
        assert again.events == tuple(recorder.events)
        with Replayer(again.setup) as replayer:
            replayer.run_all(again.events)
            assert replayer.replica.state_hash() == network.replica.state_hash()
        network.restore(start)
        assert two._id not in network.history[-1].after.canisters
        network.add_subnet("system")
        assert [subnet.kind for subnet in network.subnets] == ["nns", "application", "application", "system"]
        assert one.add(1) == 2
        with Replayer(recorder.setup) as replayer:
            replayer.run_all(recorder.events)
            assert replayer.replica.state_hash() == network.replica.state_hash()


def test_recording_begins_with_added_subnets():
    """A network that has not run yet may get a subnet before it is recorded."""
    with embedded(subnets="application=2") as network:
        network.add_subnet("application")
        network.record()
        canister = counter(network, network.subnets[-1], 5)
        assert network.history[-1].after.client(canister).get() == 5


def test_a_state_folder_has_added_subnets(tmp_path):
    """The next process finds them; naming the subnets of the beginning is refused with the way out."""
    with embedded(tmp_path / "state", subnets="application=2") as network:
        canister = counter(network, network.add_subnet("application"), 5)
        subnets = network.subnets
    with embedded(tmp_path / "state") as network:
        assert network.subnets == subnets
        assert canister._id in network.canisters()
    with pytest.raises(StateError, match="holds a network of other subnets: leave the subnets out"):
        embedded(tmp_path / "state", subnets="application=2")
