"""What a message observes of its canister and its subnet, put together from the replicated state."""

from __future__ import annotations

from typing import Any

from ic_harness.replica.execution.interface import Environment, Mode
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.replicated_state import Canister


def environment(canister: Canister, subnet: Subnet, time_ns: int, mode: Mode, **more: Any) -> Environment:
    """What code of `canister` observes in `mode`; `more` holds what the message adds to it."""
    settings = canister.settings
    return Environment(
        mode=mode,
        time_ns=time_ns,
        canister_id=canister.id,
        subnet_id=subnet.id,
        root_key=subnet.root_key,
        controllers=frozenset(settings.controllers),
        version=canister.version,
        status=int(canister.status),
        balance=canister.cycles,
        liquid_balance=canister.cycles,
        global_timer_ns=canister.global_timer_ns,
        wasm_memory_limit=settings.wasm_memory_limit,
        environment_variables=settings.environment_variables,
        nodes=subnet.nodes,
        **more,
    )
