"""The faulty backends: one module has them all, and a name in its data says which fault it has.

Each is a patch in this folder, which says what is wrong and which guarantees the suite must find broken; the tests run
it to see. `scripts/mutants.py` tells how patches become one module, and `scripts/build-backend --mutants` builds it.
`python -m tests.suite.mutants` writes the page about them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from ic_capsule.suite.guarantees import GUARANTEES

FOLDER: Final = Path(__file__).resolve().parent
ROOT: Final = FOLDER.parents[2]
TABLE: Final = ROOT / "docs" / "mutants.md"
_HEAD: Final = re.compile(r"(.*)\n\nBreaks: (.*)\n")
_PLANTED: Final = re.compile(rb"planted: none +")

UNBROKEN: Final[dict[str, str]] = {}
"""Guarantees that no fault here breaks, and why."""
DEBUGGING: Final = "debugging-endpoint-left"
"""The fault that is no patch: one more endpoint would be in the interface of every mutant."""


class Mutant(NamedTuple):
    """One fault: what is wrong, and the guarantees that it breaks, in the order of the catalogue."""

    text: str
    breaks: tuple[str, ...]


def _read() -> dict[str, Mutant]:
    told = "A debugging endpoint that empties a capsule was left in, under the code of `memories_delete_all`."
    found = {DEBUGGING: Mutant(told, ("OP2",))}
    for path in FOLDER.glob("*.patch"):
        head = _HEAD.match(path.read_text(encoding="utf-8"))
        assert head is not None, f"{path.name} does not say what it breaks"
        found[path.stem] = Mutant(head[1], tuple(head[2].split()))
    order = list(GUARANTEES)
    return dict(sorted(found.items(), key=lambda row: (order.index(row[1].breaks[0]), row[0])))


MUTANTS: Final[Mapping[str, Mutant]] = MappingProxyType(_read())
"""All mutants by name, in the order of the first guarantee that each breaks."""


@cache
def unplanted() -> bytes:
    """Return the module of all mutants with no fault planted."""
    return gzip.decompress((ROOT / "fixtures" / "mutants.wasm.gz").read_bytes())


def mutant(name: str) -> bytes:
    """Return the Wasm of the backend with the fault of that name. Raises `KeyError` when there is no such fault."""
    if name not in MUTANTS:
        raise KeyError(name)
    module = unplanted()
    if name == DEBUGGING:
        return _exported_again(module, "memories_delete_all", "dev_clear_all_memories_in_capsule")
    (found,) = _PLANTED.finditer(module)
    planted = f"planted: {name}".encode().ljust(len(found.group()))
    assert len(planted) == len(found.group()), "bug: the name does not fit"
    return module[: found.start()] + planted + module[found.end() :]


def _exported_again(module: bytes, method: str, name: str) -> bytes:
    """Export the code of an update method under another name too (WebAssembly specification, 5.5.10)."""
    at = 8
    while module[at] != _EXPORTS:
        size, start = _number(module, at + 1)
        at = start + size
    size, start = _number(module, at + 1)
    count, entries = _number(module, start)
    old = f"canister_update {method}".encode()
    place = module.index(bytes([len(old)]) + old, entries, start + size) + 1 + len(old)
    _, end = _number(module, place + 1)
    new = f"canister_update {name}".encode()
    body = _leb128(count + 1) + module[entries : start + size] + bytes([len(new)]) + new + module[place:end]
    return module[: at + 1] + _leb128(len(body)) + body + module[start + size :]


_EXPORTS: Final = 7


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the LEB128 number at an offset, and the offset behind it."""
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def breakers(guarantee: str) -> list[str]:
    """Name the faults that break a guarantee."""
    return [name for name, mutant in MUTANTS.items() if guarantee in mutant.breaks]


def table() -> str:
    """Write both tables: what each fault breaks, and what breaks each guarantee."""
    rows = [f"| `{name}` | {text} | {', '.join(breaks)} |" for name, (text, breaks) in MUTANTS.items()]
    back = [f"| {id_} | {row.text} | {_named(id_)} |" for id_, row in GUARANTEES.items()]
    return _PAGE.format(
        faults=len(rows),
        debugging=DEBUGGING,
        guarantees=len(GUARANTEES) - len(UNBROKEN),
        rows="\n".join(rows),
        back="\n".join(back),
    )


def _named(guarantee: str) -> str:
    names = [f"`{name}`" for name in breakers(guarantee)]
    return ", ".join(names) or f"none: {UNBROKEN[guarantee]}"


_PAGE = """<!-- Generated: python -m tests.suite.mutants. Do not edit. -->
# Mutants: proof that the suite can fail

Each of the {faults} faults below is planted alone into the reference backend, by the patch of that name in
`tests/suite/mutants` (`{debugging}` by one more export of its Wasm), and the conformance suite is run on the
result. It must find exactly the guarantees named here broken and every other one kept:
`tests/suite/test_mutants.py`. A check that never runs into the changed code is left out, since on it the module
is the one without a fault. So of {guarantees} guarantees it is known that their tests can fail, and why.

## What each fault breaks

| fault | what is wrong | guarantees broken |
|---|---|---|
{rows}

## What breaks each guarantee

| guarantee | promise | broken by |
|---|---|---|
{back}
"""
