"""The `output_env_file` of a dfx.json: ids and interfaces of canisters for other tools.

Relied on, after dfx's sources (`builders/mod.rs`): lines `NAME='value'` between two marks; the rest of the file is the
user's. The last section with both marks is replaced; without one a section is appended.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError
from ic_harness.text import brief, read_text

from .files import write_atomically

START: Final = "\n# DFX CANISTER ENVIRONMENT VARIABLES"
END: Final = "\n# END DFX CANISTER ENVIRONMENT VARIABLES"


def check_env_file(path: Path, variables: Mapping[str, str]) -> None:
    """Raise `InputError` unless the variables can be written to the file."""
    _merged(path, _section(variables))


def write_env_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write the section of variables, the rest of the file unchanged. Raises `InputError` when that is impossible."""
    write_atomically(path, [_merged(path, _section(variables)).encode()])


def _section(variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        if "'" in value or any(ord(char) < 32 for char in value):
            raise InputError(
                f"output_env_file: {name} cannot have the value {brief(value)}: a quote or line end"
            )
    return START + "".join(f"\n{name}='{value}'" for name, value in variables.items()) + END


def _merged(path: Path, section: str) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"output_env_file: {path} is no file")
    if not path.parent.is_dir():
        raise InputError(f"output_env_file: there is no folder {path.parent}")
    try:
        text = read_text(path)
    except FileNotFoundError:
        text = ""
    except (OSError, ValueError) as error:
        raise InputError(
            f"output_env_file: cannot read {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    start = text.rfind(START)
    end = text.find(END, start + len(START)) if start >= 0 else -1
    return text + section if end < 0 else text[:start] + section + text[end + len(END) :]
