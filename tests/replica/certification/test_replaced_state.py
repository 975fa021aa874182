"""The certified state after a restore: that of the older state, without making again what both states have."""

from __future__ import annotations

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.networks import EmbeddedNetwork
from ic_harness.protocol import lookup_value
from ic_harness.protocol.hash_tree import Labeled, digest, spine
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.certification import state_tree
from ic_harness.replica.certification.state_tree import StateTree
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import (
    Canister,
    ReplicatedState,
    Replied,
    RequestRecord,
    Settings,
)


@pytest.fixture(scope="module")
def subnet():
    with Replica(ReplicaConfig(seed=b"r")) as replica:
        yield replica.node.subnet


CERTIFYING = """(module
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update change")
    (call $arg (i32.const 0) (i32.const 0) (i32.const 1))
    (call $certify (i32.const 0) (i32.const 1))
    (call $reply)))"""
ANSWERS = [None, Replied(b"a"), Replied(b"b")]
STATES = st.fixed_dictionaries(
    {
        "canisters": st.dictionaries(st.binary(min_size=1, max_size=1), st.integers(0, 2), max_size=12),
        "requests": st.dictionaries(st.binary(min_size=1, max_size=1), st.sampled_from(ANSWERS), max_size=12),
    }
)


def parts(canisters):
    return {
        key: (Canister(id=key, settings=Settings(), created_ns=created, memory_used=created), None)
        for key, created in canisters.items()
    }


def records(requests):
    return {
        key: RequestRecord(sender=b"", effective_id=key, canister=key, forget_ns=0, answer=answer)
        for key, answer in requests.items()
    }


def labels(tree):
    return {node.label: node.tree for node in spine(tree) if isinstance(node, Labeled)}


def shown(tree):
    """The labels of canisters and requests with the digests of what is below, and the metrics of the subnet."""
    top = labels(tree.frozen(ReplicatedState(time_ns=1))())
    below = [
        {label: digest(node) for label, node in labels(top[name]).items()}
        for name in (b"canister", b"request_status")
    ]
    return [*below, digest(top[b"subnet"])]


@settings(max_examples=200, deadline=None)
@given(before=STATES, after=STATES)
def test_the_tree_is_that_of_the_other_state(subnet, before, after):
    """Whatever both states hold, the tree shows what a new one made of the second state shows."""
    replaced, new = (StateTree(subnet, Registry([subnet])) for _ in range(2))
    for state in (before, after):
        replaced.replace(parts(state["canisters"]), records(state["requests"]))
    new.update_canisters(parts(after["canisters"]))
    new.update_requests(records(after["requests"]))
    assert shown(replaced) == shown(new)


def test_a_restore_makes_nothing_again(monkeypatch):
    """Going back by one call makes no subtree of a canister or request again: those of before are still there."""
    made: list[object] = []

    def counted(make):
        def count(*parts):
            made.append(parts)
            return make(*parts)

        return count

    for name in ("_canister", "_request"):
        monkeypatch.setattr(state_tree, name, counted(getattr(state_tree, name)))
    with Replica(ReplicaConfig(seed=b"r")) as replica:
        network = EmbeddedNetwork(replica)
        agent, canister = network.agent(), network.deploy(bytes(wasmtime.wat2wasm(CERTIFYING)))
        for _ in range(5):
            agent.update(canister, "change", b"1")
        snapshot, made_before = replica.snapshot(), len(made)
        agent.update(canister, "change", b"2")
        assert len(made) > made_before
        made.clear()
        replica.restore(snapshot)
        assert len(made) == 1  # of the canister, whose certified data is another one again
        replica.restore(snapshot)
        assert len(made) == 1
        tree = replica.node.certified.tree
        assert lookup_value(tree, (b"canister", canister.raw, b"certified_data")) == b"1"
