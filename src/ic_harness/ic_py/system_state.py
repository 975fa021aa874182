"""What a network certifies about itself and its canisters, by ic-py's functions.

All raise what `Agent.read_state` raises, and `InputError` for what is not there.
"""

from __future__ import annotations

from typing import Any

from ic_harness.errors import InputError
from ic_harness.ic_py.agent import Agent
from ic_harness.ic_py.principal import Principal
from ic_harness.principal import Principal as AnyPrincipal
from ic_harness.protocol import cbor


def _read(agent: Agent, canister_id: Any, *path: bytes) -> bytes:
    value = agent.read_state_raw(canister_id, [path]).lookup_value(path)
    if value is None:
        raise InputError(f"the network has no {path[-1].decode()} for {canister_id}")
    return value


def time(agent: Agent, canister_id: Any) -> int:
    """The certified time, ns since 1970."""
    return agent.read_state_raw(canister_id, [[b"time"]]).time_ns


def subnet_public_key(agent: Agent, canister_id: Any, subnet_id: Any) -> str:
    """The DER key of a subnet, hexadecimal."""
    return _read(agent, canister_id, b"subnet", AnyPrincipal.of(subnet_id).raw, b"public_key").hex()


def subnet_canister_ranges(agent: Agent, canister_id: Any, subnet_id: Any) -> list[list[Principal]]:
    """The ranges of canister ids that a subnet is responsible for."""
    found = _read(agent, canister_id, b"subnet", AnyPrincipal.of(subnet_id).raw, b"canister_ranges")
    return [[Principal(end) for end in ends] for ends in cbor.decode(found)]


def canister_module_hash(agent: Agent, canister_id: Any) -> str:
    """The SHA-256 of a canister's module, hexadecimal."""
    return _read(agent, canister_id, b"canister", AnyPrincipal.of(canister_id).raw, b"module_hash").hex()


def canister_controllers(agent: Agent, canister_id: Any) -> list[Principal]:
    """The controllers of a canister."""
    found = _read(agent, canister_id, b"canister", AnyPrincipal.of(canister_id).raw, b"controllers")
    return [Principal(raw) for raw in cbor.decode(found)]
