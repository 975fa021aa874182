"""The faulty backends: one module has them all, and a name in its data says which fault it has.

`src/backend/src/faults.rs` tells how, and `scripts/build-backend --mutants` builds the module.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLANTED = re.compile(rb"planted: none +")


@cache
def faults() -> dict[str, str]:
    """Give every fault by name, such as `hash-unverified`, with the sentence that says what it is."""
    source = (ROOT / "src" / "backend" / "src" / "faults.rs").read_text(encoding="utf-8")
    rows = re.findall(r'((?: +///.*\n)+) +\w+ = "fault-([\w-]+)",', source)
    return {name: " ".join(re.findall(r"/// (.*)", text)) for text, name in rows}


@cache
def _module() -> bytes:
    return gzip.decompress((ROOT / "fixtures" / "mutants.wasm.gz").read_bytes())


def mutant(name: str) -> bytes:
    """Give the Wasm of the backend with the fault of that name. Raises `KeyError` when there is no such fault."""
    if name not in faults():
        raise KeyError(name)
    (found,) = PLANTED.finditer(_module())
    planted = f"planted: fault-{name}".encode().ljust(len(found.group()))
    assert len(planted) == len(found.group()), "bug: the name does not fit"
    return _module()[: found.start()] + planted + _module()[found.end() :]
