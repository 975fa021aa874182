"""Wasm modules of ours: BLS12-381, counting the instructions of canisters, and recording what they execute."""

from __future__ import annotations

import hashlib
import zlib
from functools import cache
from pathlib import Path
from typing import Final

from ic_harness.errors import InputError

_GZIP: Final = 31
"""The window that makes zlib expect the header of gzip."""


@cache
def read_own_module(name: str) -> bytes:
    """Return the Wasm module `name`: of a checkout, whose file is the newer one, or of an installed package.

    Raises `InputError` when it is missing.
    """
    return zlib.decompress(_read(name), wbits=_GZIP)


@cache
def own_module_digest(name: str) -> str:
    """Return the start of the SHA-256 of the module's file, for keys of what was made of the module or by it.

    Raises `InputError` when it is missing.
    """
    return hashlib.sha256(_read(name)).hexdigest()[:16]


def _read(name: str) -> bytes:
    package = Path(__file__).parent
    file = f"{name}.wasm.gz"
    for path in (package.parents[1] / "fixtures" / name / file, package / "_data" / file):
        if path.is_file():
            return path.read_bytes()
    raise InputError(f"this installation has no {file}: install ic-harness again")
