"""Where commands of projects print: not on standard output, which is for results."""

from __future__ import annotations

import subprocess
import sys


def builds_print_to() -> int:
    """Return the file descriptor for the output of commands: standard error, or none where it was replaced."""
    try:
        return sys.stderr.fileno()
    except (OSError, AttributeError, ValueError):  # standard error has been replaced by something without one
        return subprocess.DEVNULL
