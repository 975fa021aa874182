"""The crash sweep: a scenario again and again, each time with one failure, and an invariant after each."""

from __future__ import annotations

from .interventions import Kind
from .result import CrashSweepError, SweepFinding, SweepResult
from .sweep import SweepOptions, crash_sweep, sweep

__all__ = ["CrashSweepError", "Kind", "SweepFinding", "SweepOptions", "SweepResult", "crash_sweep", "sweep"]
