"""Says why a message stopped, in the network's words, with the names of the functions it was in."""

from __future__ import annotations

import wasmtime

from . import traps
from .demangle import demangle_all
from .frame import Frame
from .interface import Entry, Mode
from .memory import LinearMemory
from .metering import EXHAUSTED
from .module import Module
from .native import EngineError, NativeTrap
from .recent_traps import MAX_FRAMES
from .traps import CanisterTrap

_REASONS = {
    wasmtime.TrapCode.STACK_OVERFLOW: "stack overflow",
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: "heap out of bounds",
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: "table out of bounds",
    wasmtime.TrapCode.INTEGER_DIVISION_BY_ZERO: "integer division by 0",
    wasmtime.TrapCode.UNREACHABLE: "unreachable",
}
_NO_FUNCTION = {
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS,
    wasmtime.TrapCode.INDIRECT_CALL_TO_NULL,
    wasmtime.TrapCode.BAD_SIGNATURE,
}
_TRACED = {502, 503}
"""Error codes of traps, by Wasm itself and by `ic0.trap`: only these come with a backtrace."""

Explained = tuple[CanisterTrap, tuple[str, ...]]


def explain(
    frame: Frame, stopped: NativeTrap | EngineError | None, module: Module, heap: LinearMemory, entry: Entry
) -> Explained | None:
    """Why the message failed, and where; None when it succeeded.

    Raises what was our own bug.
    """
    if frame.failure is not None and not isinstance(frame.failure, CanisterTrap):
        raise frame.failure
    failure = _failure(frame, stopped, heap, entry)
    if failure is not None:
        return failure, _backtrace(stopped, module) if failure.error_code in _TRACED else ()
    if frame.env.mode is Mode.INSPECT and not frame.accepted_message:
        return CanisterTrap(406, "Canister rejected the message"), ()
    return None


def _failure(
    frame: Frame, stopped: NativeTrap | EngineError | None, heap: LinearMemory, entry: Entry
) -> CanisterTrap | None:
    if heap.refused:
        return traps.wasm_memory_limit(heap.soft_limit, heap.refused)
    if isinstance(frame.failure, CanisterTrap):
        return frame.failure
    return None if stopped is None else _translate(stopped, frame, entry)


def _translate(stopped: NativeTrap | EngineError, frame: Frame, entry: Entry) -> CanisterTrap:
    if isinstance(stopped, EngineError):
        return traps.engine_error(str(stopped))
    if frame.instructions_left() == EXHAUSTED:
        return traps.instruction_limit(frame.env.instruction_limit)
    if entry.callback is not None and not stopped.frames and stopped.code in _NO_FUNCTION:
        return traps.function_not_found(entry.callback.function)
    return traps.trapped(_REASONS.get(stopped.code, "unknown") if stopped.code else "unknown")


def _backtrace(stopped: NativeTrap | EngineError | None, module: Module) -> tuple[str, ...]:
    if not isinstance(stopped, NativeTrap) or not module.native.traits.has_names:
        return ()
    return tuple(
        demangle_all(
            name or f"unknown function at index {index}" for index, name, _ in stopped.frames[:MAX_FRAMES]
        )
    )
