"""The published generations of the backend's interface, a module each, and the current interface.

    Z   memory data at begin and create           no longer deployed; refused by name
    A   begin takes metadata, finish returns a memory's id; chunks of 65,536 bytes
    B   as A, but finish returns the blob too; a rolling hash; chunks of 1,800,000 bytes from here on
    C   begin without metadata, finish creates a blob only; bulk and asset endpoints; lists have pages
    H   as C, with access entries, assets that are added later, HTTP tokens; asset types renamed

The current interface is that of the reference backend and of the typed client: generation H with more methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ic_capsule.reference import reference_did
from ic_harness.candid import Service, parse

from . import a, b, c, h
from .spec import Generation, GenerationSpec, OlderCalls, ProbeQuery, Traits, Value

__all__ = [
    "GENERATIONS",
    "Generation",
    "GenerationSpec",
    "OlderCalls",
    "ProbeQuery",
    "Traits",
    "Value",
    "current_interface",
    "generations_with",
    "interface",
    "interface_did",
]

_INTERFACES: Final = Path(__file__).parents[1] / "interfaces"
GENERATIONS: Final[Mapping[Generation, GenerationSpec]] = {
    module.SPEC.generation: module.SPEC for module in (a, b, c, h)
}
"""The supported generations, oldest first."""


@cache
def current_interface() -> Service:
    """The interface of the reference backend, in whose types the typed client takes and returns values."""
    return parse(reference_did())


@cache
def interface(generation: Generation) -> Service:
    """The Candid interface of a generation as it is deployed."""
    return parse(interface_did(generation))


def interface_did(generation: Generation) -> str:
    """The text of that interface."""
    return (_INTERFACES / f"{generation.lower()}.did").read_text(encoding="utf-8")


def generations_with(method: str) -> tuple[Generation, ...]:
    """The generations that have a method, oldest first."""
    return tuple(generation for generation in GENERATIONS if method in interface(generation).methods)
