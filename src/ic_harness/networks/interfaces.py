"""Candid interfaces of canisters: from a file or text, from a module, or published by a canister."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ic_harness.agent import Agent
from ic_harness.candid import Method, Service, Type, encode, parse, parse_values
from ic_harness.errors import CandidError, InputError
from ic_harness.principal import Principal
from ic_harness.suggestions import suggest
from ic_harness.text import place_in, read_text

from .wasm_metadata import INIT_ARGUMENTS, INTERFACE, custom_sections, exports_interface

_SHOWN: Final = 24
_SERVICE: Final = re.compile(r"^\s*service\b", re.MULTILINE)


def read_interface(source: str | Path) -> Service:
    """Parse an interface: a path to a `.did` file, or its text.

    Raises `InputError` when the file cannot be read, `CandidError` when it is no Candid: with the name of the file,
    the line and the column.
    """
    if isinstance(source, str):
        return parse(source)
    try:
        text = read_text(source)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return parse(text, path=source)
    except CandidError as error:
        place = "" if error.offset is None else f":{place_in(text, error.offset)}"
        raise CandidError(f"{source}{place}: {error.message}", expected=error.expected) from error


def fetch_interface(agent: Agent, canister: Principal) -> Service:
    """Read the interface that a canister publishes, certified. Raises `InputError` when it publishes none."""
    # The management canister has no state that could be read.
    text = None if canister == Principal.management() else agent.read_metadata(canister, INTERFACE)
    if text is None:
        raise InputError(f"canister {canister} publishes no Candid interface: give the .did file")
    return parse(_decoded(text, f"canister {canister} publishes"))


def find_method(service: Service, name: str) -> Method:
    """Look a method up. Raises `InputError` with the names that are like it, or those that there are."""
    method = service.methods.get(name)
    if method is None:
        hint = suggest(name, sorted(service.methods), nothing="there are: none")
        raise InputError(f"no method {name!r} in the interface; {hint}")
    return method


def interface_of(wasm: bytes, interface: str | Path | None = None) -> tuple[Service | None, tuple[Type, ...]]:
    """Return the interface of a module, and the types of the arguments of its `init`.

    From `interface`, the path or text of a `.did`, else from the module's own sections, else from its export
    `get_candid_pointer`, as plain `cargo build` leaves it; None and no types where none of them has it. Raises
    `InputError` and `CandidError` for an interface that cannot be read.
    """
    sections = custom_sections(wasm)
    service = read_interface(interface) if interface is not None else _carried(wasm, sections.get(INTERFACE))
    types = service.init_args if service else None
    if types is None and INIT_ARGUMENTS in sections:
        types = _init_types(sections)
    return service, tuple(types or ())


def _init_types(sections: Mapping[str, bytes]) -> tuple[Type, ...] | None:
    """Parse the section with the types of `init`; names in it are defined in the section of the interface."""
    arguments = _decoded(sections[INIT_ARGUMENTS], "the module carries")
    definitions = _SERVICE.split(_decoded(sections.get(INTERFACE, b""), "the module carries"))[0]
    return parse(f"{definitions}\nservice : {arguments} -> {{}}").init_args


def _carried(wasm: bytes, section: bytes | None) -> Service | None:
    """Return the interface that a module carries; None when it carries none."""
    if section:
        return parse(_decoded(section, "the module carries"))
    if not exports_interface(wasm):
        return None
    from ic_harness.replica import ModuleInvalid, read_candid_pointer  # lazy: start-up time  # noqa: PLC0415

    try:
        text = read_candid_pointer(wasm)
    except ModuleInvalid as error:
        raise InputError(f"{error.message}; pass the .did file") from error
    return None if text is None else parse(_decoded(text, "the module returns"))


def _decoded(text: bytes, source: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise CandidError(f"the interface that {source} is not UTF-8: {error}") from error


def encode_arguments(text: str, types: Sequence[Type], what: str = "the arguments") -> bytes:
    """Encode the textual arguments of a call, given with or without the outer parentheses; `what` names them.

    Raises `InputError` that shows where they do not fit; more of them than `types` do not fit either: a canister
    would ignore them, but that is not what was meant.
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
    """Return what is wrong with a text, with the text at that place instead of a number of bytes."""
    rest = "" if error.offset is None else text[error.offset : error.offset + _SHOWN].strip()
    place = [f"at {error.path}" if error.path else "", f"near {rest!r}" if rest else ""]
    where = ", ".join(part for part in place if part)
    expected = f"; expected {error.expected}" if error.expected else ""
    return f"{error.message}{expected}{f' ({where})' if where else ''}"
