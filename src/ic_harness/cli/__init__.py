"""The command `ic-harness`: commands, progress bars, and errors that become one line and an exit status."""

from __future__ import annotations

from .main import commands, main

__all__ = ["commands", "main"]
