"""Cycles and randomness.

Interface specification, "Method deposit_cycles", "Method provisional_top_up_canister", "Method raw_rand".
"""

from __future__ import annotations

from ic_harness.replica.management.call import Call
from ic_harness.replica.state.randomness import random_bytes


def deposit_cycles(call: Call) -> tuple[()]:
    """Transfer the attached cycles to a canister."""
    canister = call.canister
    canister.receive(call.cycles)
    call.cycles = 0
    call.changed(canister)
    return ()


def provisional_top_up(call: Call) -> tuple[()]:
    """Mint cycles for a canister."""
    canister = call.canister
    canister.receive(call.argument["amount"])
    call.changed(canister)
    return ()


def raw_rand(call: Call) -> tuple[bytes]:
    """Return 32 random bytes, the next ones of the network's seeded sequence."""
    view = call.view
    view.state.random_counter += 1
    return (random_bytes(view.subnet.seed, view.state.random_counter),)
