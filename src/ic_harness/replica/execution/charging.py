"""A canister's account: what it pays for being there, what it may spend, and what more memory asks of it.

Interface specification, "Cycles" and the settings `freezing_threshold`, `reserved_cycles_limit` and allocations. Only
integers, and nothing that grows with the canister's memory.
"""

from __future__ import annotations

from functools import lru_cache

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.fees import DAY_S, SUBNET_MEMORY, Fees
from ic_harness.replica.state.replicated_state import Canister, Settings


def allocated_bytes(settings: Settings, memory: int) -> int:
    """The bytes that a canister of `memory` bytes takes of the subnet: what it has, or its allocation."""
    return max(settings.memory_allocation, memory)


def storage_per_day(settings: Settings, memory: int, fees: Fees) -> int:
    """What storage costs a day."""
    return fees.storage(allocated_bytes(settings, memory), DAY_S)


def compute_per_day(settings: Settings, fees: Fees) -> int:
    """What the compute allocation costs a day."""
    return fees.compute(settings.compute_allocation, DAY_S) if settings.compute_allocation else 0


def idle_per_day(canister: Canister, fees: Fees) -> int:
    """What a canister pays a day without doing anything."""
    settings = canister.settings
    return storage_per_day(settings, canister.memory_used, fees) + compute_per_day(settings, fees)


def freezing_limit(
    canister: Canister, fees: Fees, *, settings: Settings | None = None, memory: int | None = None
) -> int:
    """The balance below which a canister is frozen, with other `settings` or `memory` (bytes) if they are given."""
    if not fees.charged:
        return 0
    chosen = settings or canister.settings
    taken = allocated_bytes(chosen, canister.memory_used if memory is None else memory)
    limit = _threshold(fees.nodes, taken, chosen.compute_allocation, chosen.freezing_threshold)
    return max(0, limit - canister.reserved_cycles) if canister.reserved_cycles else limit


@lru_cache(maxsize=1024)
def _threshold(nodes: int, taken: int, compute: int, seconds: int) -> int:
    """What so many seconds cost a canister that takes `taken` bytes and `compute` percent of a charged subnet."""
    fees = Fees(nodes)
    return (fees.storage(taken, DAY_S) + fees.compute(compute, DAY_S)) * seconds // DAY_S


def liquid(canister: Canister, fees: Fees) -> int:
    """The cycles that a canister may spend without freezing."""
    return max(0, canister.cycles - freezing_limit(canister, fees))


def shortfall(canister: Canister, amount: int, fees: Fees) -> int:
    """The cycles that are missing to spend `amount` without freezing; 0 when there are enough."""
    if not fees.charged:
        return 0
    return max(0, freezing_limit(canister, fees) + amount - canister.cycles)


def is_frozen(canister: Canister, fees: Fees) -> bool:
    """Whether a canister answers no queries any more."""
    return canister.cycles < freezing_limit(canister, fees)


@dataclass(frozen=True, slots=True)
class Growth:
    """What it takes that a canister grows. `missing` cycles freeze it, `over` is above its limit of reserved cycles.

    It may grow where all of `missing`, `over` and `oversubscribed` (bytes beyond the subnet's memory) are zero; it
    then sets `reserved` cycles aside.
    """

    missing: int = 0
    over: int = 0
    oversubscribed: int = 0
    reserved: int = 0


def growth(
    canister: Canister,
    fees: Fees,
    taken: int,
    balance: int,
    *,
    memory: int | None = None,
    settings: Settings | None = None,
) -> Growth:
    """What it takes that a canister has `memory` bytes under `settings`, on a subnet that has given `taken` bytes.

    `balance` are the cycles that it can pay from.
    """
    chosen = settings or canister.settings
    used = canister.memory_used if memory is None else memory
    before = allocated_bytes(canister.settings, canister.memory_used)
    more = allocated_bytes(chosen, used) - before
    if more <= 0:
        return Growth()
    if taken + more > SUBNET_MEMORY:
        return Growth(oversubscribed=taken + more - SUBNET_MEMORY)
    reserved = fees.reservation(taken, more)
    if canister.reserved_cycles + reserved > chosen.reserved_cycles_limit and reserved:
        return Growth(over=canister.reserved_cycles + reserved - chosen.reserved_cycles_limit)
    limit = freezing_limit(canister, fees, settings=chosen, memory=used)
    # Reserved cycles count towards the limit, so that setting them aside cannot freeze by itself.
    missing = max(limit, reserved) - balance
    return Growth(missing=missing) if missing > 0 else Growth(reserved=reserved)


def set_aside(canister: Canister, cycles: int) -> None:
    """Move cycles from the balance to the reserved ones."""
    canister.cycles -= cycles
    canister.reserved_cycles += cycles


def pay_idle(canister: Canister, amount: int) -> bool:
    """Pay for being there, from the reserved cycles first; False, and nothing is paid, when there are not enough."""
    if amount > canister.cycles + canister.reserved_cycles:
        return False
    from_reserved = min(amount, canister.reserved_cycles)
    canister.reserved_cycles -= from_reserved
    canister.cycles -= amount - from_reserved
    return True
