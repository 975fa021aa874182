"""Candid interfaces from files that were named on the command line: a damaged one is bad input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ic_harness.candid import Service, Type, encode, parse_values
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import read_interface

_SHOWN: Final = 24


def interface_file(path: Path) -> Service:
    """Parse a `.did` file. Raises `InputError` that names the file when it cannot be read or parsed."""
    try:
        return read_interface(path)
    except CandidError as error:
        raise InputError(f"{path}: {error}") from error


def encode_arguments(text: str, types: Sequence[Type], what: str = "the arguments") -> bytes:
    """Encode the textual arguments of a call, given with or without the outer parentheses; `what` names them.

    Raises `InputError` that shows where they do not fit; more of them than `types` do not fit either: a canister
    would ignore them, but whoever typed them did not mean that.
    """
    whole = text if text.lstrip().startswith("(") else f"({text})"
    try:
        given = len(parse_values(whole))
        if given > len(types):
            raise InputError(f"{what} do not fit: {given} are given, {len(types)} are taken")
        return encode(parse_values(whole, types), types)
    except CandidError as error:
        raise InputError(f"{what} do not fit: {_shown(error, whole)}") from error


def _shown(error: CandidError, text: str) -> str:
    """What is wrong with a text, with the text at that place instead of a number of bytes."""
    rest = "" if error.offset is None else text[error.offset : error.offset + _SHOWN].strip()
    place = [f"at {error.path}" if error.path else "", f"near {rest!r}" if rest else ""]
    where = ", ".join(part for part in place if part)
    expected = f"; expected {error.expected}" if error.expected else ""
    return f"{error.message}{expected}{f' ({where})' if where else ''}"
