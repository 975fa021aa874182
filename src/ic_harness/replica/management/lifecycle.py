"""Creating, starting, stopping and deleting canisters.

Interface specification, "Method create_canister" and the sections after it. New ids count up through the subnet's
range: eight bytes, most significant first, then 01 01.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ic_harness.principal import Principal
from ic_harness.replica.management import refusals
from ic_harness.replica.management import settings as canister_settings
from ic_harness.replica.management.allocations import take_settings
from ic_harness.replica.management.call import DEFERRED, Call, Deferred, ManagementReject
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import DEFAULT_CYCLES
from ic_harness.replica.state.output_queue import ResponseOut
from ic_harness.replica.state.replicated_state import Canister, Request, Settings, Status


def canister_id_at(index: int) -> bytes:
    """The canister id of a counter value."""
    return index.to_bytes(8, "big") + b"\x01\x01"


def create_canister(call: Call) -> tuple[dict[str, Any]]:
    """Create a canister with the cycles that the calling canister attached, less the fee."""
    settings, cycles, fee = _settings(call), call.cycles, call.view.subnet.fees.create_canister
    if cycles < fee:
        raise ManagementReject(refusals.creation_unpaid(fee, cycles))
    created = _create(call, _next_id(call), settings, cycles - fee)
    call.view.state.consumed_cycles += fee
    call.cycles = 0
    return created


def provisional_create(call: Call) -> tuple[dict[str, Any]]:
    """Create a canister with minted cycles, at a given id if one is asked for."""
    amount = call.argument.get("amount")
    wanted = call.argument.get("specified_id")
    if wanted is None:
        canister_id = _next_id(call)
    else:
        canister_id = wanted.raw
        _check_free(call, canister_id)
    return _create(call, canister_id, _settings(call), DEFAULT_CYCLES if amount is None else amount)


def _next_id(call: Call) -> bytes:
    """Return the next free id of the subnet's last range. Raises `ManagementReject` when there is none."""
    state = call.view.state
    while canister_id_at(state.next_index) in state.canisters:
        state.next_index += 1  # a caller asked for this id by name
    found = canister_id_at(state.next_index)
    if not call.view.subnet.hosts(found):
        raise ManagementReject(refusals.ids_used_up(call.view.subnet.id))
    state.next_index += 1
    return found


def _check_free(call: Call, canister_id: bytes) -> None:
    if canister_id in call.view.state.canisters:
        raise ManagementReject(refusals.id_taken(canister_id))
    if not call.view.subnet.hosts(canister_id):
        raise ManagementReject(refusals.id_not_hosted(canister_id, call.view.subnet.id))


def _settings(call: Call) -> Settings:
    """Return the settings of a new canister. Raises `ManagementReject`: for a wrong sender's version before any fee."""
    call.check_version()
    return canister_settings.changed(Settings(controllers=(call.caller,)), call.argument.get("settings"))


def _create(call: Call, canister_id: bytes, settings: Settings, cycles: int) -> tuple[dict[str, Any]]:
    # Allocations are taken from the state before the canister has any.
    first = replace(settings, compute_allocation=0, memory_allocation=0)
    canister = Canister(id=canister_id, settings=first, created_ns=call.now_ns, charged_ns=call.now_ns)
    canister.receive(cycles)
    take_settings(call, canister, settings)
    call.view.state.canisters[canister_id] = canister
    call.remember(canister, "creation", controllers=settings.controllers)
    call.changed(canister)
    return ({"canister_id": Principal(canister_id)},)


def start_canister(call: Call) -> tuple[()]:
    """Make a canister run again; stop requests that still wait are told so."""
    canister = call.canister
    for request, _ in canister.stop_waiters:
        call.effects.outputs.append(
            ResponseOut(request.origin, rejects.stop_cancelled(canister.id), request.cycles)
        )
    canister.stop_waiters.clear()
    canister.status = Status.RUNNING
    canister.version += 1
    call.changed(canister)
    return ()


def stop_canister(call: Call) -> tuple[()] | Deferred:
    """Begin to stop a canister; the answer comes when nothing is open any more."""
    canister = call.canister
    canister.version += 1
    call.changed(canister)
    if canister.status is Status.STOPPED:
        return ()
    canister.status = Status.STOPPING
    canister.stop_waiters.append((call.request, call.now_ns))
    return DEFERRED


def delete_canister(call: Call) -> tuple[()]:
    """Delete a stopped canister; its cycles are lost."""
    canister = call.canister
    if call.caller == canister.id:
        raise ManagementReject(refusals.delete_self(canister.id))
    if canister.status is not Status.STOPPED:
        raise ManagementReject(refusals.delete_not_stopped(canister.id))
    for message in canister.queue:
        if isinstance(message, Request):
            call.effects.reject(message, rejects.canister_not_found(canister.id))
    with call.instances.lock(canister.id):
        call.instances.drop(canister.id)
        del call.view.state.canisters[canister.id]
    call.view.state.consumed_cycles += canister.cycles + canister.reserved_cycles
    call.effects.deleted.append(canister.id)
    call.effects.memory_replaced.add(canister.id)
    return ()
