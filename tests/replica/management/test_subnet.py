"""Methods about the subnet: its canisters, metrics, version; renaming a canister."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal
from ic_harness.replica import Replica, ReplicaConfig
from ic_harness.replica.management.subnet import MIGRATION_CANISTER, canister_ranges
from tests.replica.support import ALICE, BOB, Called, create, deploy, did, install, management, wasm

MOVER = Principal(MIGRATION_CANISTER)


def called_by(canister, method, value):
    """What a canister gets for a management call: the reply's value, or code and text of the reject."""
    known = management(canister.replica).service.methods[method]
    arg = candid.encode((value,), known.arg_types)
    reply = canister.update("forward", Principal.management(), method, arg, 0, None)
    if "Err" in reply:
        return reply["Err"]["code"], reply["Err"]["message"]
    values = candid.decode(reply["Ok"], known.return_types)
    return values[0] if values else None


def identifier(number):
    return number.to_bytes(8, "big") + b"\1\1"


def test_ranges_join_neighbours():
    """Ids that follow each other are one range."""
    ranges = canister_ranges(map(identifier, [9, 1, 2, 3, 5, (1 << 64) - 1]))
    numbers = [tuple(int.from_bytes(one.raw[:8], "big") for one in pair) for pair in ranges]
    assert numbers == [(1, 3), (5, 5), (9, 9), ((1 << 64) - 1, (1 << 64) - 1)]


def test_administrators_list_the_canisters():
    """`list_canisters` is a query for the subnet's administrators."""
    with Replica(ReplicaConfig(seed=b"s", subnet_admins=(ALICE,))) as replica:
        first, second = create(replica), create(replica)
        assert management(replica).query("list_canisters") == {"canisters": [{"start": first, "end": second}]}
        with pytest.raises(RejectError, match="The caller is not authorized to call this method"):
            management(replica, BOB).query("list_canisters")
        with pytest.raises(RejectError) as caught:
            management(replica).update("list_canisters")
        assert caught.value.error_code == "IC0407"


def test_metrics_are_for_controllers(replica, rust):
    """`canister_metrics` by update and query; what costs nothing here is 0."""
    admin = management(replica)
    consumed = admin.update("canister_metrics", {"canister_id": rust.id})["cycles_consumed"]
    assert consumed == admin.query("canister_metrics", {"canister_id": rust.id})["cycles_consumed"]
    assert set(consumed.values()) == {0}
    with pytest.raises(RejectError):
        management(replica, BOB).query("canister_metrics", {"canister_id": rust.id})


def test_canisters_learn_of_their_subnet(replica, rust):
    """`subnet_info` and `node_metrics_history` answer canisters about this subnet only."""
    here = Principal(replica.node.subnet.id)
    info = called_by(rust, "subnet_info", {"subnet_id": here})
    assert info["replica_version"].startswith("ic-harness-")
    asked = {"subnet_id": here, "start_at_timestamp_nanos": 0}
    (entry,) = called_by(rust, "node_metrics_history", asked)
    (node,) = entry["node_metrics"]
    assert node["node_id"] == Principal(replica.node.subnet.node_id)
    assert node["num_blocks_proposed_total"] > 0
    later = {"subnet_id": here, "start_at_timestamp_nanos": (1 << 64) - 1}
    assert called_by(rust, "node_metrics_history", later) == []
    code, text = called_by(rust, "subnet_info", {"subnet_id": rust.id})
    assert (code, text.partition(":")[0]) == (3, "Unable to route management canister request subnet_info")


@pytest.fixture
def mover(replica):
    """The canister at the id of the network's migration canister."""
    create(replica, specified_id=MOVER)
    install(replica, MOVER, wasm("rust/rust"), candid.encode((0,), did("rust/rust").init_args))
    return Called(replica, MOVER, did("rust/rust"))


def renaming(canister, to):
    return {
        "canister_id": canister,
        "rename_to": {"canister_id": to, "version": 50, "total_num_changes": 9},
        "requested_by": BOB,
        "sender_canister_version": 0,
    }


def test_the_migration_canister_renames(replica, rust, mover):
    """Code, memory and controllers move to the new id, with an entry in the history; the old id is gone."""
    admin, target = management(replica), Principal(identifier(77))
    admin.update("update_settings", {"canister_id": rust.id, "settings": {"controllers": [ALICE, MOVER]}})
    wanted = renaming(rust.id, target)
    wanted["sender_canister_version"] = replica.node.state.canisters[MOVER.raw].version
    refused = called_by(mover, "rename_canister", wanted)
    assert "must be stopped before it is renamed" in refused[1]
    admin.update("stop_canister", {"canister_id": rust.id})
    wanted["sender_canister_version"] = replica.node.state.canisters[MOVER.raw].version
    assert called_by(mover, "rename_canister", wanted) is None
    admin.update("start_canister", {"canister_id": target})
    moved = Called(replica, target, rust.service)
    assert moved.query("get") == 7
    info = called_by(mover, "canister_info", {"canister_id": target, "num_requested_changes": 1})
    assert info["total_num_changes"] == 10
    assert info["recent_changes"][0]["details"]["rename_canister"] == {
        "canister_id": rust.id,
        "total_num_changes": 3,
        "rename_to": {"canister_id": target, "version": 50, "total_num_changes": 9},
        "requested_by": BOB,
    }
    assert admin.update("canister_status", {"canister_id": target})["version"] >= 51
    with pytest.raises(RejectError) as caught:
        rust.query("get")
    assert caught.value.error_code == "IC0301"


def test_a_rename_survives_a_restart(tmp_path):
    """The state folder knows the canister by its new id only."""
    config = ReplicaConfig(seed=b"s", state_dir=tmp_path / "state")
    target = Principal(identifier(77))
    with Replica(config) as replica:
        rust = deploy(replica, "rust/rust", 5)
        admin = management(replica)
        create(replica, specified_id=MOVER)
        install(replica, MOVER, wasm("rust/rust"), candid.encode((0,), did("rust/rust").init_args))
        settings = {"controllers": [ALICE, MOVER]}
        admin.update("update_settings", {"canister_id": rust.id, "settings": settings})
        admin.update("stop_canister", {"canister_id": rust.id})
        wanted = renaming(rust.id, target)
        wanted["sender_canister_version"] = replica.node.state.canisters[MOVER.raw].version
        assert called_by(Called(replica, MOVER, rust.service), "rename_canister", wanted) is None
    with Replica(config) as replica:
        management(replica).update("start_canister", {"canister_id": target})
        assert Called(replica, target, did("rust/rust")).query("get") == 5
        assert rust.id.raw not in replica.node.state.canisters


def test_others_cannot_rename(replica, rust):
    """A controller that is not the migration canister is refused."""
    with pytest.raises(RejectError, match="The caller is not authorized to call this method"):
        management(replica).update("rename_canister", renaming(rust.id, BOB))
