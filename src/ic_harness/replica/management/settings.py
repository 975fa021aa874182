"""Canister settings: reading them from an argument, checking them, writing them into a reply.

Interface specification, "Method create_canister", "Method update_settings".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ic_harness.principal import Principal
from ic_harness.replica import rejects
from ic_harness.replica.config import MAX_CONTROLLERS, MAX_ENVIRONMENT_VARIABLES
from ic_harness.replica.management.call import Call, Refused
from ic_harness.replica.world import Settings, Visibility
from ic_harness.text import brief_int

# name -> greatest allowed value; the specification's ranges.
_NUMBERS: Final[dict[str, int]] = {
    "compute_allocation": 100,
    "memory_allocation": 1 << 48,
    "freezing_threshold": (1 << 64) - 1,
    "reserved_cycles_limit": (1 << 128) - 1,
    "minimum_incoming_canister_call_cycles": (1 << 128) - 1,
    "log_memory_limit": 2 << 20,
    "wasm_memory_limit": 1 << 48,
    "wasm_memory_threshold": (1 << 64) - 1,
}
_VISIBILITIES: Final = ("log_visibility", "snapshot_visibility", "status_visibility")
_VARIABLE_BYTES: Final = 128


def changed(settings: Settings, argument: Mapping[str, Any] | None) -> Settings:
    """Give `settings` with the present fields of a `canister_settings` record. Raises `Refused`."""
    if argument is None:
        return settings
    new: dict[str, Any] = {}
    controllers = argument.get("controllers")
    if controllers is not None:
        if len(controllers) > MAX_CONTROLLERS:
            raise _invalid(f"at most {MAX_CONTROLLERS} controllers are allowed, got {len(controllers)}")
        new["controllers"] = tuple(sorted({controller.raw for controller in controllers}))
    for name, greatest in _NUMBERS.items():
        value = argument.get(name)
        if value is not None:
            if value > greatest:
                raise _invalid(f"{name} must be at most {greatest}, got {brief_int(value)}")
            new[name] = value
    for name in _VISIBILITIES:
        if argument.get(name) is not None:
            new[name] = _visibility(argument[name])
    variables = argument.get("environment_variables")
    if variables is not None:
        new["environment_variables"] = _variables(variables)
    return replace(settings, **new)


def _invalid(problem: str) -> Refused:
    return Refused(rejects.reject(rejects.Code.REJECTED, f"Invalid settings: {problem}"))


def _visibility(value: Mapping[str, Any]) -> Visibility:
    (kind, viewers), *_ = value.items()
    return Visibility(kind, tuple(viewer.raw for viewer in viewers or ()))


def _variables(values: list[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = tuple((value["name"], value["value"]) for value in values)
    if len(pairs) > MAX_ENVIRONMENT_VARIABLES:
        raise _invalid(f"at most {MAX_ENVIRONMENT_VARIABLES} environment variables are allowed")
    if len({name for name, _ in pairs}) != len(pairs):
        raise _invalid("an environment variable is named twice")
    if any(len(text.encode()) > _VARIABLE_BYTES for pair in pairs for text in pair):
        raise _invalid(f"names and values of environment variables have at most {_VARIABLE_BYTES} bytes")
    return tuple(sorted(pairs))


def to_candid(settings: Settings) -> dict[str, Any]:
    """The settings as a `definite_canister_settings` record."""
    record: dict[str, Any] = {name: getattr(settings, name) for name in _NUMBERS}
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
    canister.settings = changed(canister.settings, argument)
    canister.version += 1
    if argument.get("controllers") is not None:
        call.remember(canister, "controllers_change", controllers=canister.settings.controllers)
    call.changed(canister)
    return ()
