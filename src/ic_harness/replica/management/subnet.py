"""What can be learned about the subnet, and renaming its canisters.

Interface specification, "Method list_canisters", "Method canister_metrics", "Method subnet_info", "Method
node_metrics_history"; `rename_canister` is a method of the network itself, for the canister that moves canisters
between subnets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ic_harness.principal import Principal
from ic_harness.replica.management import refusals, snapshot_refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.replicated_state import Canister, Status

MIGRATION_CANISTER: Final = (17).to_bytes(8, "big") + b"\x01\x01"
"""The canister of the NNS that may rename canisters (`sbzkb-zqaaa-aaaaa-aaaiq-cai`)."""

REGISTRY_VERSION: Final = 1
"""The subnet never changes, so its registry stays at its first version."""


def canister_metrics(call: Call) -> tuple[dict[str, Any]]:
    """Return the cycles that a canister has consumed, by what they were consumed for."""
    return metrics(call.canister)


def metrics(canister: Canister) -> tuple[dict[str, Any]]:
    """Return the record of `canister_metrics`; what this network does not charge for is 0."""
    consumed = dict.fromkeys(
        (
            "memory",
            "compute_allocation",
            "ingress_induction",
            "instructions",
            "request_and_response_transmission",
            "uninstall",
            "canister_creation",
        ),
        0,
    )
    paid = {"http_outcalls": canister.outcall_cycles, "burned_cycles": canister.cycles_burned}
    return ({"cycles_consumed": consumed | paid},)


def canister_ranges(canister_ids: Iterable[bytes]) -> Iterator[tuple[Principal, Principal]]:
    """Return the ids as ranges without gaps, in order, both ends included."""
    ordered = sorted(canister_ids)
    first = 0
    for at, canister_id in enumerate(ordered):
        if at + 1 < len(ordered) and _next(canister_id) == ordered[at + 1]:
            continue
        yield Principal(ordered[first]), Principal(canister_id)
        first = at + 1


def _next(canister_id: bytes) -> bytes:
    """Return the id that follows: one more in the number before the two bytes at the end."""
    number = int.from_bytes(canister_id[:-2], "big") + 1
    if number >> 8 * (len(canister_id) - 2):
        return b""
    return number.to_bytes(len(canister_id) - 2, "big") + canister_id[-2:]


def list_canisters(canister_ids: Iterable[bytes], caller: bytes, subnet: Subnet) -> tuple[dict[str, Any]]:
    """Return all canisters of the subnet to one of its administrators. Raises `ManagementReject` for others."""
    if caller not in subnet.admins:
        raise ManagementReject(snapshot_refusals.not_authorized())
    ranges = [{"start": start, "end": end} for start, end in canister_ranges(canister_ids)]
    return ({"canisters": ranges},)


def subnet_info(call: Call) -> tuple[dict[str, Any]]:
    """Return the version of the replica and of the registry."""
    from importlib.metadata import version  # lazy: start-up time  # noqa: PLC0415

    _check_subnet(call)
    return ({"replica_version": f"ic-harness-{version('ic-harness')}", "registry_version": REGISTRY_VERSION},)


def node_metrics_history(call: Call) -> tuple[list[dict[str, Any]]]:
    """Return what the nodes did: one entry, the present one, in which the one node proposed every block."""
    _check_subnet(call)
    if call.argument["start_at_timestamp_nanos"] > call.now_ns:
        return ([],)
    node = {
        "node_id": Principal(call.view.subnet.node_id),
        "num_blocks_proposed_total": call.view.state.round,
        "num_block_failures_total": 0,
    }
    return ([{"timestamp_nanos": call.now_ns, "node_metrics": [node]}],)


def _check_subnet(call: Call) -> None:
    asked = call.argument["subnet_id"]
    if asked.raw != call.view.subnet.id:
        raise ManagementReject(
            rejects.reject(
                rejects.Code.CANISTER_NOT_FOUND,
                f"Unable to route management canister request {call.request.method}: the network has no subnet {asked}",
            )
        )


def rename_canister(call: Call) -> tuple[()]:
    """Give a stopped canister another id, with the history of the canister that it becomes."""
    canister, target = call.canister, call.argument["rename_to"]
    call.check_version()
    if call.caller != MIGRATION_CANISTER:
        raise ManagementReject(snapshot_refusals.not_authorized())
    old, new = canister.id, target["canister_id"].raw
    if new in call.view.state.canisters:
        raise ManagementReject(refusals.id_taken(new))
    if not call.view.subnet.hosts(new):
        raise ManagementReject(refusals.id_not_hosted(new, call.view.subnet.id))
    if canister.status is not Status.STOPPED:
        raise ManagementReject(snapshot_refusals.rename_not_stopped(old))
    if canister.snapshots:
        raise ManagementReject(snapshot_refusals.rename_with_snapshots(old))
    _move(call, canister, new)
    changes, canister.changes = canister.changes, target["total_num_changes"]
    canister.version = max(canister.version, target["version"]) + 1
    call.remember(
        canister,
        "rename_canister",
        renamed_from=old,
        renamed_to=new,
        renamed_changes=(changes, target["total_num_changes"]),
        renamed_version=target["version"],
        requested_by=call.argument["requested_by"].raw,
    )
    call.changed(canister)
    return ()


def _move(call: Call, canister: Canister, new: bytes) -> None:
    """Move the record and the live memory of a canister to another id."""
    old, instances, state = canister.id, call.instances, call.view.state
    with instances.lock(old), instances.lock(new):
        if canister.installed:
            instances.move(canister, new)
        del state.canisters[old]
        canister.id = new
        state.canisters[new] = canister
    call.effects.deleted.append(old)
    call.effects.memory_replaced |= {old, new}
