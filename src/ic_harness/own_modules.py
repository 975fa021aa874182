"""Wasm modules of ours: BLS12-381, counting the instructions of canisters, and recording what they execute."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from ic_harness.errors import InputError


@cache
def read_own_module(name: str) -> bytes:
    """Return the Wasm module `name`: of a checkout, whose file is the newer one, or of an installed package.

    Raises `InputError` when it is missing.
    """
    package = Path(__file__).parent
    file = f"{name}.wasm.gz"
    for path in (package.parents[1] / "fixtures" / name / file, package / "_data" / file):
        if path.is_file():
            return gzip.decompress(path.read_bytes())
    raise InputError(f"this installation has no {file}: install ic-harness again")


@cache
def own_module_digest(name: str) -> str:
    """Return the start of the SHA-256 of the module `name`, for keys of what was made of it or by it."""
    return hashlib.sha256(read_own_module(name)).hexdigest()[:16]
