"""What is known of a canister's module without its code, and how the code cache keeps it.

To unpack, validate and rewrite a module takes longer than to load its compiled code, and every process that installs
the module would do so. A description depends on the bytes of the module and on the modules of this folder only, so its
key has the digests of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from ic_harness.code_cache import CodeCache, source_digest
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol import cbor

from .validation import CustomSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What only an instance needs to know of a module, besides its code."""

    imports: tuple[str, ...]
    """Names of the `ic0` functions, in the module's order."""
    globals: tuple[tuple[str, int], ...]
    cells: int
    """How many globals and tables the module has, those that never change included."""
    table_64: bool
    fresh: bool
    """The module changes its tables or segments: a new instance for every message."""
    has_start: bool
    has_names: bool
    has_lines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A valid module without bytes and code; `Module` says what the attributes mean that both have."""

    code_hash: bytes
    """SHA-256 of the rewritten module, by which compiled code is found."""
    exports: tuple[str, ...]
    methods: Mapping[str, str]
    custom_sections: Mapping[str, CustomSection]
    is_64: bool
    traits: Traits


class Descriptions:
    """The descriptions in a code cache. `limit_names` is whether modules were validated with limits of their names."""

    def __init__(self, files: CodeCache, *, limit_names: bool) -> None:
        self._files = files
        self._limit_names = limit_names

    def load(self, wasm_hash: bytes) -> Description | None:
        """Return the description of the module with this SHA-256, or None."""
        key = self._key(wasm_hash)
        stored = None if key is None else self._files.load(key)
        return None if stored is None else _decode(stored)

    def store(self, wasm_hash: bytes, description: Description) -> None:
        """Keep a description."""
        key = self._key(wasm_hash)
        if key is not None:
            self._files.store(key, _encode(description))

    def _key(self, wasm_hash: bytes) -> str | None:
        rules = rules_digest()
        limits = "" if self._limit_names else "-unlimited"
        return None if rules is None else f"{wasm_hash.hex()}-described-{rules}{limits}"


@cache
def rules_digest() -> str | None:
    """Return the digest of this folder's modules; None where their source is not on disk."""
    return source_digest(Path(__file__).parent)


def _encode(description: Description) -> bytes:
    sections = {name: [found.public, found.content] for name, found in description.custom_sections.items()}
    traits = _values(description.traits)
    return cbor.encode(_values(description) | {"custom_sections": sections, "traits": traits})


def _values(item: Description | Traits) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _decode(stored: bytes) -> Description:
    values = cbor.decode(stored)
    sections = {
        name: CustomSection(public, content) for name, (public, content) in values["custom_sections"].items()
    }
    traits = values["traits"]
    imports, pairs = tuple(traits["imports"]), tuple((name, kind) for name, kind in traits["globals"])
    return Description(
        **values
        | {
            "custom_sections": sections,
            "exports": tuple(values["exports"]),
            "traits": Traits(**traits | {"imports": imports, "globals": pairs}),
        }
    )
