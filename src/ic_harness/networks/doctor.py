"""Examine which networks can be used on this machine, by trying them, and say why others cannot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ic_harness.errors import HarnessError

from .opening import connect, embedded


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one network. `required` ones must be usable for this package to be of use."""

    name: str
    usable: bool
    detail: str
    required: bool = False


def examine(url: str | None = None) -> list[Finding]:
    """Try every kind of network, and the one at `url` if given."""
    found = [_embedded(), *_binaries()]
    return [*found, _url(url)] if url else found


def _embedded() -> Finding:
    try:
        with embedded() as network:
            canister = network.create_canister()
    except (HarnessError, OSError, ImportError) as error:
        return Finding(name="embedded", usable=False, detail=f"does not start: {error}", required=True)
    return Finding(name="embedded", usable=True, detail=f"started, made canister {canister}", required=True)


def _url(url: str) -> Finding:
    try:
        with connect(url) as network:
            key = network.root_key
    except HarnessError as error:
        return Finding(name=url, usable=False, detail=str(error), required=True)
    return Finding(name=url, usable=True, detail=f"answers, root key ends in {key[-4:].hex()}", required=True)


def _binaries() -> Iterator[Finding]:
    """Look for the programs of other local networks; they are reached by URL once they run."""
    for name, program, variable, start in (
        ("dfx", "dfx", None, "`dfx start --background`, then --network http://127.0.0.1:4943"),
        ("icp", "icp", None, "`icp network start`, then --network http://127.0.0.1:8000"),
        ("pocket-ic", "pocket-ic", "POCKET_IC_BIN", "start an instance in live mode, then --network URL"),
    ):
        path = _find(program, variable)
        where = f"no program {program} on PATH{f' and no {variable}' if variable else ''}"
        detail = where if path is None else f"{path}: {start}"
        yield Finding(name=name, usable=path is not None, detail=detail)


def _find(program: str, variable: str | None) -> str | None:
    given = os.environ.get(variable) if variable else None
    if given and Path(given).is_file():
        return given
    return shutil.which(program)
