"""The faulty backends: one module has them all, and a name in its data says which fault it has.

`src/backend/src/faults.rs` tells how, and `scripts/build-backend --mutants` builds the module. `BREAKS` is what the
suite says of each; the tests run it to see. `python -m tests.conformance.mutants` writes the page about it.
"""

from __future__ import annotations

import gzip
import re
import sys
from functools import cache
from pathlib import Path
from typing import Final

from ic_harness.conformance.guarantees import GUARANTEES

ROOT: Final = Path(__file__).resolve().parents[2]
TABLE: Final = ROOT / "docs" / "mutants.md"
_PLANTED: Final = re.compile(rb"planted: none +")

BREAKS: Final[dict[str, str]] = {
    # Sessions and chunks.
    "any-number-of-chunks": "UB1",
    "begin-starts-over": "UB3 UB4",
    "chunk-count-ignored": "UB4",
    "idem-not-bound-to-caller": "UB5",
    "idem-not-bound-to-capsule": "UB5",
    "receipt-forgotten": "UB6",
    "slot-kept-at-abort": "UB7",
    "expiry-in-wrong-unit": "UB8",
    "expiry-not-renewed": "UB8",
    "chunk-size-unchecked": "UC1 OP3",
    "empty-chunk-accepted": "UC2",
    "chunk-overwritten": "UC3",
    "hash-in-order-of-arrival": "UB3 UC4 UC5 UC9 UF5",
    "hash-before-owner-check": "UC6",
    "hash-shared-with-newest": "UB5 UC7 FL1 FL2 FL3",
    "chunks-must-be-even": "UC8",
    "sessions-lost-at-upgrade": "UC9",
    "chunks-lost-at-upgrade": "UC9 BL7",
    "finish-time-in-milliseconds": "UF1",
    "hash-unverified": "UF2",
    "session-dropped-on-wrong-hash": "UF2",
    "length-unchecked": "UF3",
    "hash-length-unchecked": "UF4",
    "missing-chunks-not-named": "UF5",
    "second-finish-refused": "UB6 UF6",
    "content-told-to-strangers": "UF7",
    "abort-does-nothing": "UB7 UF8 UF9 FL4",
    "finished-session-listed": "UF9",
    # Blobs.
    "locator-parsed-laxly": "BL1",
    "read-wraps-around": "BL2",
    "blob-id-from-clock": "BL3",
    "blobs-read-by-anyone": "BL4",
    "blobs-deleted-by-anyone": "BL5",
    "whole-read-unlimited": "BL6",
    "equal-content-shared": "BL3 BL8",
    # Capsules.
    "own-capsule-made-anew": "CA1",
    "capsule-id-from-clock": "CA2",
    "capsule-bound-for-others": "CA3",
    "foreign-capsule-shown": "CA4",
    "foreign-capsule-writable": "UB2 ME7 MD4",
    "deleted-capsule-not-freed": "CA5",
    "memories-lost-at-upgrade": "CA6",
    # Memories.
    "asset-kinds-unchecked": "ME1",
    "inline-budget-unchecked": "ME2",
    "foreign-blob-remembered": "ME3",
    "memory-idem-not-bound": "ME4",
    "other-content-ignored": "ME4",
    "sizes-not-summed": "ME5",
    "asset-idem-forgotten": "ME6",
    "foreign-memory-writable": "ME7 MD1",
    "inline-assets-dropped": "FL1 FL2 FL3",
    "date-dropped": "MR1",
    "list-cursor-is-a-position": "MR2",
    "list-needs-titles": "MR3",
    "assets-kept-at-delete": "MD1 MD3",
    "assets-always-deleted": "MD2",
    "reference-not-counted": "MD3",
    "bulk-delete-ignores-capsule": "MD4",
    "removal-only-claimed": "MD5",
    "cleanup-miscounts": "MD6",
    # Operations and HTTP.
    "maintenance-open": "OP1",
    "config-tells-other-limit": "UC1 OP3",
    "every-memory-searched": "OP4",
    "long-address-parsed": "HT1",
    "assets-cut-off": "HT2",
    "token-minted-for-anyone": "HT2",
    "token-scope-unchecked": "HT3",
    "token-expiry-unchecked": "HT3",
    "token-signature-unchecked": "HT3",
}
"""The guarantees that the suite finds broken by each fault, in the order of the catalogue."""

UNBROKEN: Final[dict[str, str]] = {
    "OP2": "one endpoint more would be another interface, which the gate refuses before the suite",
}
"""Guarantees that no fault here breaks, and why."""


@cache
def faults() -> dict[str, str]:
    """Give every fault by name, such as `hash-unverified`, with the sentence that says what it is."""
    source = (ROOT / "src" / "backend" / "src" / "faults.rs").read_text(encoding="utf-8")
    rows = re.findall(r'((?: +///.*\n)+) +\w+ = "fault-([\w-]+)",', source)
    return {name: " ".join(re.findall(r"/// (.*)", text)) for text, name in rows}


@cache
def unplanted() -> bytes:
    """Give the module of all mutants with no fault planted."""
    return gzip.decompress((ROOT / "fixtures" / "mutants.wasm.gz").read_bytes())


def mutant(name: str) -> bytes:
    """Give the Wasm of the backend with the fault of that name. Raises `KeyError` when there is no such fault."""
    if name not in faults():
        raise KeyError(name)
    module = unplanted()
    (found,) = _PLANTED.finditer(module)
    planted = f"planted: fault-{name}".encode().ljust(len(found.group()))
    assert len(planted) == len(found.group()), "bug: the name does not fit"
    return module[: found.start()] + planted + module[found.end() :]


def breakers(guarantee: str) -> list[str]:
    """Name the faults that break a guarantee."""
    return [name for name, broken in BREAKS.items() if guarantee in broken.split()]


def table() -> str:
    """Write both tables: what each fault breaks, and what breaks each guarantee."""
    rows = [f"| `{name}` | {text} | {BREAKS[name].replace(' ', ', ')} |" for name, text in faults().items()]
    back = [f"| {id_} | {row.text} | {_named(id_)} |" for id_, row in GUARANTEES.items()]
    return _PAGE.format(
        faults=len(rows),
        guarantees=len(GUARANTEES) - len(UNBROKEN),
        rows="\n".join(rows),
        back="\n".join(back),
    )


def _named(guarantee: str) -> str:
    names = [f"`{name}`" for name in breakers(guarantee)]
    return ", ".join(names) or f"none: {UNBROKEN[guarantee]}"


_PAGE = """<!-- Generated: python -m tests.conformance.mutants. Do not edit. -->
# Mutants: proof that the suite can fail

Each of the {faults} faults below is planted alone into the reference backend (`src/backend/src/faults.rs`), and the
whole conformance suite is run on the result. It must find exactly the guarantees named here broken and every other one
kept: `tests/conformance/test_mutants.py`. So of {guarantees} guarantees it is known that their tests can fail, and why.

## What each fault breaks

| fault | what is wrong | guarantees broken |
|---|---|---|
{rows}

## What breaks each guarantee

| guarantee | promise | broken by |
|---|---|---|
{back}
"""


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(), encoding="utf-8")
    sys.stdout.write(f"{TABLE.relative_to(ROOT)}: {len(BREAKS)} mutants\n")
