"""The management methods that can be called as queries.

Interface specification, "Method canister_status", "Method canister_metrics", "Method fetch_canister_logs", "Method
list_canisters".
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.management import refusals, settings
from ic_harness.replica.management.call import ManagementReject, decode, encode
from ic_harness.replica.management.dispatch import NOT_MODELLED
from ic_harness.replica.management.status import canister_logs, status
from ic_harness.replica.management.subnet import list_canisters, metrics
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.replicated_state import Answer, Canister, ReplicatedState, Replied, Request

QUERIES: Final = frozenset({"canister_status", "canister_metrics", "fetch_canister_logs", "list_canisters"})
"""The methods that can be called as queries."""


def answer_query(state: ReplicatedState, instances: InstancePool, subnet: Subnet, request: Request) -> Answer:
    """Answer a query to the management canister."""
    try:
        values = _answer(state, instances, subnet, request)
    except ManagementReject as refused:
        return refused.answer
    return Replied(encode(request.method, values))


def _answer(
    state: ReplicatedState, instances: InstancePool, subnet: Subnet, request: Request
) -> tuple[Any, ...]:
    name = request.method
    if name not in QUERIES:
        raise ManagementReject(_no_query(name))
    argument = decode(name, request.arg)
    if name == "list_canisters":
        return list_canisters(list(state.canisters), request.caller, subnet)
    canister_id = argument["canister_id"].raw
    canister = state.canisters.get(canister_id)
    if canister is None:
        raise ManagementReject(rejects.canister_not_found(canister_id))
    if name == "fetch_canister_logs":
        return canister_logs(canister, request.caller, argument["filter"])
    if name == "canister_metrics":
        _check_controller(canister, request.caller)
        return metrics(canister)
    _check_status_viewer(canister, request.caller)
    return status(canister, instances, subnet.fees)


def _no_query(name: str) -> Any:
    if name in NOT_MODELLED:
        return refusals.not_modelled(name, NOT_MODELLED[name])
    return refusals.unknown_query_method(name)


def _check_controller(canister: Canister, caller: bytes) -> None:
    controllers = canister.settings.controllers
    if caller not in controllers:
        raise ManagementReject(refusals.invalid_controller(canister.id, controllers, caller))


def _check_status_viewer(canister: Canister, viewer: bytes) -> None:
    visibility, controllers = canister.settings.status_visibility, canister.settings.controllers
    if viewer != canister.id and not settings.may_view(visibility, viewer, controllers):
        raise ManagementReject(refusals.invalid_controller(canister.id, controllers, viewer))
