"""What a canister asks about its environment: identity, status, controllers, variables, time; printing and trapping.

Interface specification, "Canister Id", "Canister status", "Canister version", "Controller check",
"Environment variables", "Time", "Global timer", "Performance counter", "Debugging aids".
"""

from __future__ import annotations

from ic_harness.replica.execution.frame import Frame, copy_part, value_functions
from ic_harness.replica.execution.interface import Mode
from ic_harness.replica.execution.traps import CanisterTrap, called_trap, contract

MAX_VARIABLE_NAME = 128
MAX_LOG_LINE = 32 << 10
_UNREPLICATED = {
    Mode.QUERY, Mode.COMPOSITE_QUERY, Mode.HTTP_TRANSFORM, Mode.COMPOSITE_REPLY, Mode.COMPOSITE_REJECT,
    Mode.COMPOSITE_CLEANUP, Mode.INSPECT,
}  # fmt: skip

self_size, self_copy = value_functions("canister_self", lambda frame: frame.env.canister_id)
subnet_self_size, subnet_self_copy = value_functions("subnet_self", lambda frame: frame.env.subnet_id)


def status(frame: Frame) -> int:
    """1 running, 2 stopping, 3 stopped."""
    return frame.env.status


def version(frame: Frame) -> int:
    """The canister version, constant during a message."""
    return frame.env.version


def is_controller(frame: Frame, source: int, size: int) -> int:
    """1 if this principal controls the canister."""
    principal = frame.read(source, size)
    if size > 29:
        raise CanisterTrap(504, "Canister provided invalid principal id")
    return int(principal in frame.env.controllers)


def in_replicated_execution(frame: Frame) -> int:
    """1 when every node of the subnet runs this message."""
    return int(frame.env.mode not in _UNREPLICATED)


def now(frame: Frame) -> int:
    """Nanoseconds since 1970; the same during the whole message."""
    return frame.env.time_ns


def global_timer_set(frame: Frame, deadline_ns: int) -> int:
    """Set the timer (0 = off) and return what it was."""
    before = frame.env.global_timer_ns if frame.timer_ns is None else frame.timer_ns
    frame.timer_ns = deadline_ns
    return before


def performance_counter(frame: Frame, kind: int) -> int:
    """Instructions used: 0 = by this message, 1 = by the whole call context."""
    if kind == 0:
        return frame.instructions
    if kind == 1:
        return frame.env.call_context_instructions + frame.instructions
    raise contract(f"ic0.performance_counter: Error getting performance counter type {kind}")


def variable_count(frame: Frame) -> int:
    """The number of environment variables."""
    return len(frame.env.environment_variables)


def variable_name_size(frame: Frame, index: int) -> int:
    """The length of the name of variable `index`."""
    return len(_variable_name(frame, index))


def variable_name_copy(frame: Frame, index: int, address: int, offset: int, size: int) -> None:
    """Copy a part of the name of variable `index`."""
    copy_part(frame, "ic0.env_var_name_copy", _variable_name(frame, index), address, offset, size)


def variable_exists(frame: Frame, source: int, size: int) -> int:
    """1 if there is a variable of this name."""
    return int(_value(frame, _name(frame, "env_var_name_exists", source, size)) is not None)


def variable_value_size(frame: Frame, source: int, size: int) -> int:
    """The length of a variable's value."""
    return len(_known_value(frame, "env_var_value_size", source, size))


def variable_value_copy(frame: Frame, source: int, name_size: int, *part: int) -> None:
    """Copy a part (address, offset, size) of a variable's value."""
    value = _known_value(frame, "env_var_value_copy", source, name_size)
    copy_part(frame, "ic0.env_var_value_copy", value, *part)


def debug_print(frame: Frame, source: int, size: int) -> None:
    """Write a line to the canister's log; never traps."""
    try:
        line = frame.read(source, size) if size <= MAX_LOG_LINE else frame.read(source, MAX_LOG_LINE)
    except CanisterTrap:
        line = b"(debug_print message out of memory bounds)"
    frame.logs.append(line)


def trap(frame: Frame, source: int, size: int) -> None:
    """Fail this message with a text of the canister's."""
    try:
        raw = frame.read(source, size)
    except CanisterTrap:
        raw = b"(trap message out of memory bounds)"
    raise called_trap(raw.decode(errors="replace"))


def _variable_name(frame: Frame, index: int) -> bytes:
    variables = frame.env.environment_variables
    if index >= len(variables):
        raise CanisterTrap(
            504,
            f"Environment variable index {index} is out of bounds. The number of environment variables is "
            f"{len(variables)}.",
        )
    return variables[index][0].encode()


def _name(frame: Frame, function: str, source: int, size: int) -> str:
    if size > MAX_VARIABLE_NAME:
        raise contract(
            f"ic0.{function}: Variable name is too large. Max allowed size is {MAX_VARIABLE_NAME}, got {size}"
        )
    try:
        return frame.read(source, size).decode()
    except UnicodeDecodeError:
        raise contract(f"ic0.{function}: Variable name is not valid UTF-8") from None


def _value(frame: Frame, name: str) -> bytes | None:
    found = dict(frame.env.environment_variables).get(name)
    return None if found is None else found.encode()


def _known_value(frame: Frame, function: str, source: int, size: int) -> bytes:
    name = _name(frame, function, source, size)
    value = _value(frame, name)
    if value is None:
        raise CanisterTrap(504, f"Environment variable {name} not found.")
    return value
