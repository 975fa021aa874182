"""Time, the global timer, and the instruction counter.

Interface specification, "Time", "Global timer", "Performance counter".
"""

from __future__ import annotations

from ic_harness.replica.execution.frame import Frame
from ic_harness.replica.execution.traps import contract


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
