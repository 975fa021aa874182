"""Candid interfaces from files that were named on the command line: a damaged one is bad input."""

from __future__ import annotations

from pathlib import Path

from ic_harness.candid import Service
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import read_interface


def interface_file(path: Path) -> Service:
    """Parse a `.did` file. Raises `InputError` that names the file and the place when it cannot be read or parsed."""
    try:
        return read_interface(path)
    except CandidError as error:
        raise InputError(str(error)) from error
