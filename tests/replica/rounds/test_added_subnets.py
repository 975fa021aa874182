"""Subnets that are added to a running network: certified, called, put back, kept, and refused by a sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ic_harness.errors import InputError, ReplicaError, StateError
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, Ed25519Identity, cbor
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, SubnetKind, SubnetSpec, examine_state
from ic_harness.replica.store import NetworkFile
from tests.replica.subnets import START, deploy_on, deploy_pair, forward, opened
from tests.replica.support import Called, Wire, create, did

CHILD = Path(__file__).with_name("added_child.py")
ROOT = Path(__file__).resolve().parents[3]


def added(replica, kind=SubnetKind.APPLICATION):
    """Add a subnet; returns its node."""
    subnet = replica.add_subnet(SubnetSpec(kind=kind))
    node = replica.nodes.all[-1]
    assert node.subnet is subnet
    return node


def reopened(folder):
    return Replica(ReplicaConfig(state_dir=folder, clock=ManualClock(START)))


def kinds(replica):
    return [subnet.kind.value for subnet in replica.nodes.registry.subnets]


def test_an_added_subnet_is_certified_everywhere(several, pair):
    """Every subnet certifies the ranges of the added one, which has a delegation, and certifies all others."""
    new = added(several)
    canister = deploy_on(several, new, 3)
    wire = Wire(several, Ed25519Identity.from_seed(b"a" * 32))
    for node in several.nodes.all:
        own = node.subnet
        paths = [(b"subnet", other.subnet.id, b"public_key") for other in several.nodes.all]
        tree = wire.tree(own.principal, (b"canister_ranges", own.id), *paths, place="subnet")
        seen = Certificate(tree, b"")
        first = min(low for low, _ in own.ranges)
        assert seen.lookup_value((b"canister_ranges", own.id, first)) is not None
        for other, path in zip(several.nodes.all, paths, strict=True):
            assert seen.lookup_value(path) == other.subnet.public_key
    answer = wire.read(canister.id, (b"canister", canister.id.raw, b"module_hash"))
    certificate = Certificate.from_cbor(cbor.decode(answer.body)["certificate"])
    certificate.verify(several.root_key, canister_id=canister.id, now_ns=several.clock.now_ns())
    assert certificate.subnet_id(several.root_key) == new.subnet.id
    assert create(several).raw in several.nodes.all[1].state.canisters, "the default subnet stays"
    assert forward(pair[0], canister)["Ok"][-8:] == (3).to_bytes(8, "little")
    assert forward(canister, pair[1])["Ok"][-8:] == (100).to_bytes(8, "little")


def test_a_restore_to_before_removes_it(several, pair):
    """The added subnet is gone with its ids, the rest is as it was; adding again gives the same subnet, empty."""
    before, then = several.snapshot(), several.state_hash()
    new = added(several)
    canister = deploy_on(several, new, 3)
    forward(pair[0], canister)
    several.restore(before)
    assert several.state_hash() == then
    assert kinds(several) == ["nns", "application", "application"]
    wire = Wire(several, Ed25519Identity.from_seed(b"a" * 32))
    assert wire.query(canister.id, "get")[1].status == 400
    tree = Certificate(
        wire.tree(several.node.subnet.principal, (b"subnet", new.subnet.id, b"public_key"), place="subnet"),
        b"",
    )
    assert tree.lookup_value((b"subnet", new.subnet.id, b"public_key")) is None
    assert forward(pair[0], canister)["Err"]["message"] == f"No route to canister {canister.id}"
    again = added(several)
    assert again.subnet == new.subnet
    assert not again.state.canisters
    assert deploy_on(several, again, 4).query("get") == 4


def test_snapshots_of_either_side(several, pair):
    """Without a state folder snapshots with and without added subnets, also of other kinds, restore in any order."""
    moments = [(several.snapshot(), several.state_hash(), None)]
    for kind, value in ((SubnetKind.APPLICATION, 3), (SubnetKind.SYSTEM, 4)):
        several.restore(moments[0][0])
        canister = deploy_on(several, added(several, kind), value)
        forward(pair[0], canister, "add", b"DIDL\0\x01\x78" + bytes(8))
        moments.append((several.snapshot(), several.state_hash(), canister))
        canister.update("add", 10)
    for place in (1, 2, 0, 2, 1, 1, 0, 2):
        snapshot, expected, canister = moments[place]
        several.restore(snapshot)
        assert several.state_hash() == expected
        if canister is not None:
            assert canister.query("get") == place + 2
            assert canister.update("add", 1) == place + 3
            assert forward(pair[0], canister)["Ok"][-8:] == (place + 3).to_bytes(8, "little")
    for snapshot, _, _ in moments:
        snapshot.close()


def test_a_restore_while_a_call_is_under_way(several, pair):
    """Calls to the added subnet that are in streams are gone with it; the network goes on."""
    before = several.snapshot()
    canister = deploy_on(several, added(several), 3)
    several.hold()
    pair[0].submit("forward", canister.id, "get", b"DIDL\0\0", 0, None)
    several.tick()
    several.restore(before)
    assert not several.canister(pair[0].id).calls
    assert pair[0].update("add", 1) == 8


def test_snapshots_of_another_replica_are_refused(several):
    """A foreign snapshot is still refused, whatever subnets it has."""
    with opened() as other, pytest.raises(ReplicaError, match="another replica"):
        several.restore(other.snapshot())


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (SubnetKind.NNS, "an NNS is the root of a network"),
        (SubnetKind.SNS, "has its sns subnet already"),
        (SubnetKind.TEST_THRESHOLD_KEYS, "has its test_threshold_keys subnet already"),
    ],
)
def test_kinds_that_cannot_be_added(kind, problem):
    """A second subnet of a kind that there is once, and an NNS, are refused; nothing changes."""
    with opened("application,sns,test_threshold_keys") as replica:
        there = kinds(replica)
        with pytest.raises(InputError, match=problem):
            replica.add_subnet(SubnetSpec(kind=kind))
        assert kinds(replica) == there


def test_the_last_subnet():
    """A network has 64 subnets at most."""
    with opened("application=63") as replica:
        with pytest.raises(InputError, match="at most 64 subnets, not 65"):
            replica.add_subnet(SubnetSpec())
        assert len(replica.nodes.all) == 64


def test_one_subnet_of_every_id_stays_alone(replica):
    """The one subnet of a plain network is refused company with the way out."""
    with pytest.raises(ReplicaError, match='such as subnets="application=2"'):
        replica.add_subnet(SubnetSpec())


# --- with a state folder ------------------------------------------------------------------------------------


def test_a_state_folder_keeps_it(folder):
    """An added subnet is there after a restart and in the next process, which may add another."""
    with opened(state_dir=folder) as replica:
        one = deploy_pair(replica)[0]
        canister = deploy_on(replica, added(replica), 3)
        forward(one, canister)
        replica.restart()
        assert canister.update("add", 1) == 4
        before = replica.state_hash()
    assert examine_state(folder).whole
    with reopened(folder) as replica:
        assert replica.state_hash() == before
        second = deploy_on(replica, added(replica, SubnetKind.SYSTEM), 9)
        there = Called(replica, canister.id, did("rust/rust"))
        assert forward(there, second)["Ok"][-8:] == (9).to_bytes(8, "little")
    with reopened(folder) as replica:
        assert kinds(replica) == ["nns", "application", "application", "application", "system"]


def test_a_restore_is_kept_too(folder):
    """After a restore to before, the folder is that of a network without the subnet; a later snapshot is refused."""
    with opened(state_dir=folder) as replica:
        one = deploy_pair(replica)[0]
        before, then = replica.snapshot(), replica.state_hash()
        canister = deploy_on(replica, added(replica), 3)
        forward(one, canister)
        after = replica.snapshot()
        replica.restore(after)
        assert canister.query("get") == 3
        replica.restore(before)
        assert not (folder / "subnet-3").exists()
        with pytest.raises(ReplicaError, match="a subnet that is gone from the state folder"):
            replica.restore(after)
        after.close()
        assert replica.state_hash() == then
        again = deploy_on(replica, added(replica), 6)
        replica.restart()
        assert again.query("get") == 6
        assert one.update("add", 1) == 8
    with reopened(folder) as replica:
        assert Called(replica, again.id, did("rust/rust")).query("get") == 6


def test_a_subnet_that_is_gone_is_no_longer_named(folder):
    """After a restore that nothing else remembers, the folder of the subnet is gone, and the file does not name it."""
    with opened(state_dir=folder) as replica:
        with closing(replica.snapshot()) as before:
            replica.add_subnet(SubnetSpec())
            replica.restore(before)
        kept = NetworkFile.read(folder)
        assert kept is not None
        assert len(kept.subnets) == 3
        assert not (folder / "subnet-3").exists()


def test_a_killed_process_leaves_the_added_subnet(folder):
    """`kill -9` after the addition loses neither the subnet nor what was answered."""
    with opened(state_dir=folder) as replica:
        deploy_pair(replica)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(folder)], stdout=subprocess.PIPE, env=environment, text=True
    ) as child:
        assert child.stdout is not None
        canister = child.stdout.readline().strip()
        child.send_signal(signal.SIGKILL)
    with reopened(folder) as replica:
        assert kinds(replica) == ["nns", "application", "application", "application"]
        there = Called(replica, Principal.of(canister), did("rust/rust"))
        assert there.query("get") >= 5
        assert there.update("add", 1) >= 6


def test_a_process_that_dies_before_the_folder_is_named(folder):
    """A folder that the network does not name is no part of it, and is not taken over by the next addition."""
    with opened(state_dir=folder) as replica:
        deploy_pair(replica)
    shutil.copytree(folder / "subnet-1", folder / "subnet-3")
    report = examine_state(folder)
    assert report.whole, report
    with reopened(folder) as replica:
        assert len(kinds(replica)) == 3
        assert not added(replica).state.canisters
    with reopened(folder) as replica:
        assert len(kinds(replica)) == 4


def test_an_addition_that_cannot_be_kept(folder, monkeypatch):
    """When the folder cannot be written nothing has changed, in memory and on the disk, and the network goes on."""

    def full(_self, _folder):
        raise StateError("cannot write: no space left")

    with opened(state_dir=folder) as replica:
        one = deploy_pair(replica)[0]
        with monkeypatch.context() as patch:
            patch.setattr(NetworkFile, "write", full)
            with pytest.raises(StateError, match="no space left"):
                replica.add_subnet(SubnetSpec())
        assert len(kinds(replica)) == 3
        assert not (folder / "subnet-3").exists()
        assert one.update("add", 1) == 8
        added(replica)
    with reopened(folder) as replica:
        assert len(kinds(replica)) == 4
