"""Paying for management calls: what creating, installing and settings take of a canister's cycles and the subnet.

Codes and texts are those of DFINITY's replica.
"""

from __future__ import annotations

from ic_harness.replica.execution.charging import (
    freezing_limit,
    growth,
    set_aside,
    shortfall,
)
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state import rejects
from ic_harness.replica.state.fees import SUBNET_COMPUTE
from ic_harness.replica.state.replicated_state import Canister, Settings


def take_settings(call: Call, canister: Canister, settings: Settings) -> None:
    """Give a canister new settings, if the subnet has what they ask for and the canister can pay for it.

    Raises `ManagementReject`; nothing was changed then.
    """
    if settings.reserved_cycles_limit < canister.reserved_cycles:
        raise ManagementReject(
            refusals.reserved_limit_too_low(settings.reserved_cycles_limit, canister.reserved_cycles)
        )
    _check_compute(call, canister, settings)
    reserved = _check_memory(call, canister, settings)
    set_aside(canister, reserved)
    canister.settings = settings


def _check_compute(call: Call, canister: Canister, settings: Settings) -> None:
    wanted, present = settings.compute_allocation, canister.settings.compute_allocation
    if wanted <= present:
        return
    canisters = call.view.state.canisters.values()
    others = sum(one.settings.compute_allocation for one in canisters if one.id != canister.id)
    # One percent always stays free.
    left = max(0, SUBNET_COMPUTE - others - 1)
    if wanted > left:
        raise ManagementReject(refusals.compute_oversubscribed(wanted, left))
    limit = freezing_limit(canister, call.view.subnet.fees, settings=settings)
    if canister.cycles < limit:
        raise ManagementReject(refusals.compute_unpaid(wanted, limit - canister.cycles))


def _check_memory(call: Call, canister: Canister, settings: Settings) -> int:
    """Return the cycles that must be set aside for a memory allocation."""
    wanted = settings.memory_allocation
    if wanted <= canister.settings.memory_allocation:
        return 0
    fees, taken = call.view.subnet.fees, call.view.memory_taken
    found = growth(canister, fees, taken, canister.cycles, settings=settings)
    if found.oversubscribed:
        # All of the allocation is asked for; what the canister has already counts as available.
        left = max(0, wanted - found.oversubscribed)
        raise ManagementReject(refusals.memory_oversubscribed(wanted, left))
    if found.over:
        raise ManagementReject(
            refusals.allocation_over_reserved_limit(wanted, settings.reserved_cycles_limit, found.over)
        )
    if found.missing:
        raise ManagementReject(refusals.memory_unpaid(wanted, found.missing))
    return found.reserved


def check_growth(call: Call, canister: Canister, memory: int) -> int:
    """Check that a canister may have `memory` bytes; returns the cycles to set aside. Raises `ManagementReject`."""
    found = growth(canister, call.view.subnet.fees, call.view.memory_taken, canister.cycles, memory=memory)
    more = memory - canister.memory_used
    if found.oversubscribed:
        raise ManagementReject(refusals.memory_oversubscribed(more, max(0, more - found.oversubscribed)))
    if found.over:
        limit = canister.settings.reserved_cycles_limit
        raise ManagementReject(refusals.growth_over_reserved_limit(more, limit, found.over))
    if found.missing:
        raise ManagementReject(refusals.growth_unpaid(more, found.missing))
    return found.reserved


def out_of_cycles(call: Call, canister: Canister, cost: int) -> str | None:
    """The text that says that a canister cannot pay `cost` without freezing; None when it can."""
    missing = shortfall(canister, cost, call.view.subnet.fees)
    if not missing:
        return None
    reveal = call.caller in canister.settings.controllers
    return rejects.out_of_cycles_text(canister.id, missing, reveal=reveal)


def consume(call: Call, canister: Canister, cost: int) -> None:
    """Take a fee from a canister, or give back a part of one when `cost` is negative."""
    if cost >= 0:
        canister.cycles -= cost
    else:
        canister.receive(-cost)
    call.view.state.consumed_cycles += cost
