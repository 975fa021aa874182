"""Calls between canisters of different subnets, and what becomes of them when networks are restored or die."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import ReplicaError, StateError
from ic_harness.principal import Principal
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.units import MIB
from tests.replica.subnets import NOTHING, START, deploy_pair, forward, opened
from tests.replica.support import FREE, management


def number(reply):
    """The number in the reply of a forwarded call."""
    return candid.decode(reply["Ok"])[0]


def argument(canister, method, *values):
    return candid.encode(values, canister.service.methods[method].arg_types)


def test_calls_cross_subnets_both_ways(several, pair):
    """A call to another subnet is answered rounds later; a chain leads to the first canister and back."""
    one, two = pair
    before = several.node.state.round
    assert number(forward(one, two)) == 100
    assert several.node.state.round >= before + 3
    assert number(forward(two, one)) == 7
    reply = forward(one, two, "forward", argument(two, "forward", one.id, "get", NOTHING, 0, None))
    (inner,) = candid.decode(reply["Ok"], one.service.methods["forward"].return_types)
    assert number(inner) == 7


def test_a_message_between_subnets_arrives_in_a_later_round(several, pair):
    """The call leaves in the first round, is served in the second, and its answer arrives in the third."""
    one, two = pair
    several.hold()
    finish = one.submit("forward", two.id, "add", argument(two, "add", 1), 0, None)
    seen = []
    for _ in range(3):
        several.tick()
        seen.append((two.query("get"), bool(several.canister(one.id).calls)))
    assert seen == [(100, True), (101, True), (101, False)]
    several.release()
    assert number(finish()) == 101


def test_many_calls_keep_their_order(several, pair):
    """Forty calls at once are each answered once."""
    one, two = pair
    outcomes = one.update("fan_out", two.id, "add", argument(two, "add", 1), 40)
    assert sorted(map(number, outcomes)) == list(range(101, 141))
    several.settle(20)
    one_node, two_node = several.nodes.all[1:]
    assert not one_node.state.streams[two_node.subnet.id].messages or not several.settle(0)


@FREE
def test_cycles_are_refunded_across_subnets(several, pair):
    """What the callee does not accept comes back; what it accepts is its own."""
    one, two = pair

    def balances():
        return [several.canister(each.id).cycles for each in pair]

    before = balances()
    assert "Ok" in forward(one, two, "accept_cycles", argument(two, "accept_cycles", 300), 1000)
    assert balances() == [before[0] - 300, before[1] + 300]
    assert forward(one, two, "trap", argument(two, "trap", "no"), 1000)["Err"]["code"] == 5
    assert balances() == [before[0] - 300, before[1] + 300]


def test_rejects_cross_subnets(several, pair):
    """A canister that does not exist, has no such method, or is stopped rejects with the usual codes."""
    one, two = pair
    absent = Principal(two.id.raw[:6] + b"\x07\x07\x01\x01")
    assert forward(one, absent)["Err"]["code"] == 3
    assert "IC0536" in forward(one, two, "no_such_method")["Err"]["message"]
    management(several).update("stop_canister", {"canister_id": two.id})
    assert forward(one, two)["Err"]["message"] == f"Canister {two.id} is stopped"


def test_large_payloads_stay_within_a_subnet(pair):
    """More than 2 MiB of method name and argument are rejected by the caller's own subnet."""
    one, two = pair
    limit = 2 * MIB - len("no_method")
    # The ingress limit is for users; the canister gets its argument from the host.
    assert "IC0536" in forward(one, two, "no_method", bytes(limit))["Err"]["message"]
    refused = forward(one, two, "no_method", bytes(limit + 1))["Err"]
    assert refused == {"code": 5, "message": f"Canister {one.id} violated contract: payload too large"}


def test_bounded_waits_end_across_subnets(several, pair):
    """A best-effort call whose answer does not come in time is given up; the late answer is dropped."""
    one, two = pair
    several.hold()
    finish = one.submit("forward", two.id, "add", argument(two, "add", 1), 0, 1)
    several.tick()
    several.advance_time(400 * 10**9)
    several.release()
    assert finish()["Err"]["code"] == 6
    several.settle(20)
    assert not several.canister(one.id).calls
    assert two.query("get") == 101


def test_a_canister_stops_after_its_calls_elsewhere(several, pair):
    """A canister with a call to another subnet is stopped when the answer is there, not before."""
    one, two = pair
    several.hold()
    finish = one.submit("forward", two.id, "get", NOTHING, 0, None)
    several.tick()
    stopped = management(several).submit("stop_canister", {"canister_id": one.id})
    several.tick()
    assert several.canister(one.id).status.name == "STOPPING"
    several.release()
    assert (number(finish()), stopped()) == (100, None)


# --- state ---------------------------------------------------------------------------------------------------


def busy(replica):
    """Two canisters, each with a call to the other under way."""
    one, two = pair = deploy_pair(replica)
    forward(one, two)
    for canister in pair:
        canister.update("random")
    replica.hold()
    one.submit("forward", two.id, "add", argument(two, "add", 1), 0, None)
    two.submit("forward", one.id, "add", argument(one, "add", 1), 0, None)
    replica.tick(2)
    return pair


def test_the_same_calls_give_the_same_states():
    """Two networks with the same seed, clock and calls have the same state hash, with messages in streams."""
    hashes = []
    for seed in (b"one", b"one", b"two"):
        with opened(seed=seed) as replica:
            busy(replica)
            hashes.append(replica.state_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_snapshot_holds_what_is_between_subnets(several):
    """A restore brings back all subnets and the messages in their streams, which arrive each time."""
    one, two = busy(several)
    moment, before = several.snapshot(), several.state_hash()
    for _ in range(2):
        several.release()
        several.settle(20)
        assert not several.canister(one.id).calls
        assert [one.query("get"), two.query("get")] == [8, 101]
        several.restore(moment)
        assert several.state_hash() == before
        assert several.canister(one.id).calls


def test_a_state_folder_keeps_every_subnet(folder):
    """Calls between subnets that were under way when the process ended are answered in the next one."""
    with opened(state_dir=folder) as replica:
        one, _ = busy(replica)
        before, root_key = replica.state_hash(), replica.root_key
    folders = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert folders == ["subnet-0", "subnet-1", "subnet-2"]
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock(START))) as replica:
        assert (replica.state_hash(), replica.root_key) == (before, root_key)
        replica.settle(20)
        assert not replica.canister(one.id).calls


@pytest.mark.parametrize("last", [0, 1, 2])
@pytest.mark.usefixtures("quick_disk")
def test_a_process_that_dies_between_two_journals(folder, monkeypatch, last):
    """Where only some subnets have journalled a round, every message is still taken exactly once."""
    with opened(state_dir=folder) as replica:
        one, two = deploy_pair(replica, 0, 0)
        replica.hold()
        for source, target in ((one, two), (two, one)):
            source.submit("forward", target.id, "add", argument(target, "add", 1), 0, None)
        replica.tick()
        for _ in range(4):
            with monkeypatch.context() as patched:
                patched.setattr(replica.nodes.all[last].journal, "append", _no_power)
                with pytest.raises(OSError, match="no power"):
                    replica.tick()
            replica.restart()
            replica.hold()
            replica.tick()
        replica.release()
        replica.settle(20)
        assert [each.query("get") for each in (one, two)] == [1, 1]
        assert not any(replica.canister(each.id).calls for each in (one, two))


@pytest.mark.usefixtures("quick_disk")
def test_a_restore_that_was_cut_off_is_noticed(folder, monkeypatch):
    """Where only some subnets were put back to a snapshot, the folder is refused with the rounds of all."""
    replica = opened(state_dir=folder)
    moment = replica.snapshot()
    replica.tick(5)
    monkeypatch.setattr(replica.nodes.all[1].journal, "append", _no_power)
    with pytest.raises(OSError, match="no power"):
        replica.restore(moment)
    replica.close()
    with pytest.raises(StateError, match="do not belong together: they are at the rounds 0, 5, 5"):
        opened(state_dir=folder)


def _no_power(*_args):
    raise OSError("no power")


@pytest.mark.parametrize("subnets", ["application=3", "nns", "nns,application=2,system"])
def test_a_folder_of_other_subnets_is_refused(folder, subnets):
    """A folder is opened with the subnets that it has, or without naming any."""
    opened(state_dir=folder).close()
    with pytest.raises(StateError, match="other subnets"):
        opened(subnets, state_dir=folder)
    opened(state_dir=folder).close()


def test_a_folder_of_one_subnet_is_not_made_several(folder):
    """What one application subnet has kept is refused as the folder of a network of several."""
    Replica(ReplicaConfig(state_dir=folder)).close()
    with pytest.raises(StateError, match="one application subnet"):
        opened(state_dir=folder)
    Replica(ReplicaConfig(state_dir=folder)).close()


def test_a_folder_is_for_one_process(folder):
    """Two replicas cannot have the same folder, and a network of another seed cannot have it at all."""
    with opened(state_dir=folder), pytest.raises(StateError):
        opened(state_dir=folder)
    with pytest.raises(StateError, match="another seed"):
        opened(state_dir=folder, seed=b"another")


def test_a_damaged_description_of_the_network_is_named(folder):
    """A changed byte in the file `subnets` is found, and the file is named."""
    opened(state_dir=folder).close()
    path = folder / "subnets"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StateError, match="subnets is damaged"):
        opened(state_dir=folder)


def test_a_failure_stops_all_subnets(several, pair, monkeypatch):
    """A subnet that cannot go on stops the network: no caller is left waiting for another one."""
    monkeypatch.setattr(several.nodes.all[2].scheduler, "round", _no_power)
    with pytest.raises(ReplicaError, match="stopped after a failure"):
        pair[0].update("add", 1)
