"""Canister settings: reading them from an argument, checking them, writing them into a reply.

Interface specification, "Method create_canister", "Method update_settings".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ic_harness.principal import Principal
from ic_harness.replica.execution import effects
from ic_harness.replica.management import refusals
from ic_harness.replica.management.allocations import consume, out_of_cycles, take_settings
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state.config import (
    MAX_CONTROLLERS,
    MAX_ENVIRONMENT_VARIABLES,
    MAX_LOG_BYTES,
    MAX_VIEWERS,
    MIN_LOG_BYTES,
    VARIABLE_BYTES,
)
from ic_harness.replica.state.replicated_state import Canister, FromCanister, Settings, Visibility

# name -> (greatest allowed value, what the replica calls the setting, its range as the replica writes it). The limit of
# Wasm memory has 48 bits although the text says 64. A memory allocation has them too, as the compliance suite asks for:
# replicas since October 2025 leave it to the subnet's memory, which refuses as much with another code.
_NUMBERS: Final[dict[str, tuple[int, str, str]]] = {
    "compute_allocation": (100, "ComputeAllocation", "[0..100]"),
    "memory_allocation": (1 << 48, "MemoryAllocation", f"[0..{1 << 48}]"),
    "freezing_threshold": ((1 << 64) - 1, "Freezing threshold", "of [0..2^64-1]"),
    "reserved_cycles_limit": ((1 << 128) - 1, "Reserved cycles limit", "of [0..2^128-1]"),
    "minimum_incoming_canister_call_cycles": (
        (1 << 128) - 1,
        "Minimum incoming canister call cycles",
        "of [0..2^128-1]",
    ),
    "wasm_memory_limit": (1 << 48, "Wasm memory limit", "of [0..2^64-1]"),
    "wasm_memory_threshold": ((1 << 64) - 1, "Wasm memory threshold", "of [0..2^64-1]"),
}
DELAYED_BYTES: Final = 366
"""Bytes of an argument of `update_settings` up to which a user's call is paid after the settings are applied."""
_VISIBILITIES: Final = ("log_visibility", "snapshot_visibility", "status_visibility")


def changed(settings: Settings, argument: Mapping[str, Any] | None) -> Settings:
    """Return `settings` with the present fields of a `canister_settings` record. Raises `ManagementReject`."""
    if argument is None:
        return settings
    new = _numbers(argument)
    controllers = argument.get("controllers")
    if controllers is not None:
        if len(controllers) > MAX_CONTROLLERS:
            raise ManagementReject(refusals.too_many_elements(MAX_CONTROLLERS))
        new["controllers"] = tuple(sorted({controller.raw for controller in controllers}))
    for name in _VISIBILITIES:
        if argument.get(name) is not None:
            new[name] = _visibility(argument[name])
    variables = argument.get("environment_variables")
    if variables is not None:
        new["environment_variables"] = _variables(variables)
    return replace(settings, **new)


def _numbers(argument: Mapping[str, Any]) -> dict[str, Any]:
    new: dict[str, Any] = {}
    for name, (greatest, title, allowed) in _NUMBERS.items():
        value = argument.get(name)
        if value is not None:
            if value > greatest:
                raise ManagementReject(refusals.setting_out_of_range(title, allowed, value))
            new[name] = value
    limit = argument.get("log_memory_limit")
    if limit is not None:
        if limit and not MIN_LOG_BYTES <= limit <= MAX_LOG_BYTES:
            raise ManagementReject(refusals.log_limit_out_of_range(limit, MIN_LOG_BYTES, MAX_LOG_BYTES))
        new["log_memory_limit"] = limit
    return new


def _visibility(value: Mapping[str, Any]) -> Visibility:
    (kind, viewers), *_ = value.items()
    if len(viewers or ()) > MAX_VIEWERS:
        raise ManagementReject(refusals.too_many_elements(MAX_VIEWERS))
    return Visibility(kind, tuple(viewer.raw for viewer in viewers or ()))


def _variables(values: list[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((value["name"], value["value"]) for value in values)
    if len({name for name, _ in pairs}) != len(pairs):
        raise ManagementReject(refusals.repeated_variable())
    if len(pairs) > MAX_ENVIRONMENT_VARIABLES:
        raise ManagementReject(refusals.too_many_variables(len(pairs), MAX_ENVIRONMENT_VARIABLES))
    for pair in pairs:
        for what, text in zip(("name", "value"), pair, strict=True):
            if len(text.encode()) > VARIABLE_BYTES:
                raise ManagementReject(refusals.variable_too_long(what, text, VARIABLE_BYTES))
    return tuple(sorted(pairs))


def to_candid(settings: Settings) -> dict[str, Any]:
    """The settings as a `definite_canister_settings` record."""
    record: dict[str, Any] = {name: getattr(settings, name) for name in (*_NUMBERS, "log_memory_limit")}
    record["controllers"] = [Principal(controller) for controller in settings.controllers]
    record["environment_variables"] = [
        {"name": name, "value": value} for name, value in settings.environment_variables
    ]
    for name in _VISIBILITIES:
        visibility: Visibility = getattr(settings, name)
        viewers = [Principal(viewer) for viewer in visibility.viewers]
        record[name] = {visibility.kind: viewers if visibility.kind == "allowed_viewers" else None}
    return record


def may_view(visibility: Visibility, viewer: bytes, controllers: tuple[bytes, ...]) -> bool:
    """Whether `viewer` may see what has this visibility; controllers always may."""
    return viewer in controllers or visibility.kind == "public" or viewer in visibility.viewers


def update_settings(call: Call) -> tuple[()]:
    """Change some settings."""
    canister = call.canister
    call.check_version()
    argument = call.argument["settings"]
    take_settings(call, canister, changed(canister.settings, argument))
    effects.trim_log(canister)
    _pay_afterwards(call, canister)
    canister.version += 1
    if argument.get("controllers") is not None:
        call.remember(canister, "controllers_change", controllers=canister.settings.controllers)
    call.changed(canister)
    return ()


def _pay_afterwards(call: Call, canister: Canister) -> None:
    """Charge a user for a small call, if the canister can pay under the settings that it now has.

    It was not charged when it came, so that a canister can be unfrozen that has a freezing threshold too high.
    """
    request = call.request
    if isinstance(request.origin, FromCanister) or len(request.arg) > DELAYED_BYTES:
        return
    cost = call.view.subnet.fees.ingress(len(request.arg) + len(request.method.encode()))
    if out_of_cycles(call, canister, cost) is None:
        consume(call, canister, cost)
