"""Custom sections of a Wasm module: what a canister says of its interface, and how it wants to be upgraded.

Only as much of the binary format as that needs (WebAssembly core specification, "Modules", "Sections"): eight
bytes of header, then sections of an id byte, a LEB128 length and content; a custom section (id 0) begins with
its name.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_HEADER: Final = 8
_MAX_MODULE: Final = 100 << 20
"""Bytes of a module unpacked: the network's limit. A few hundred kilobytes of gzip can stand for as much."""
_MAX_SECTIONS: Final = 100_000
_MAX_NUMBER: Final = 10  # bytes of a LEB128 number of 64 bits
_VISIBILITIES: Final = ("icp:public", "icp:private")
_PERSISTENT: Final = "enhanced-orthogonal-persistence"
INTERFACE: Final = "candid:service"
INIT_ARGUMENTS: Final = "candid:args"
"""Sections in which compilers write the interface, and the types of what `init` takes, as Candid text."""


def keeps_memory(wasm: bytes) -> bool:
    """Tell whether a module (plain or gzip) keeps its main memory across upgrades, as Motoko's do.

    Such a module must be upgraded with the option to keep it, or the network refuses. False for what is no
    Wasm: the network says better what is wrong with it.
    """
    return _PERSISTENT in custom_sections(wasm)


def is_motoko(wasm: bytes) -> bool:
    """Tell whether a module (plain or gzip) was compiled by Motoko, whose actor classes take arguments at upgrades."""
    return any(name.startswith("motoko:") for name in custom_sections(wasm))


def exports_interface(wasm: bytes) -> bool:
    """Tell whether a module (plain or gzip) may export its interface as `get_candid_pointer`; no proof, but quick."""
    try:
        return b"get_candid_pointer" in _unpacked(wasm)
    except zlib.error:
        return False


def custom_sections(wasm: bytes) -> dict[str, bytes]:
    """The contents of the sections `icp:public NAME` and `icp:private NAME` of a module (plain or gzip), by NAME.

    Empty for what is no Wasm.
    """
    try:
        return dict(_sections(_unpacked(wasm)))
    except (zlib.error, IndexError):
        return {}


def published_interface(wasm: bytes) -> str | None:
    """The Candid text that a module (plain or gzip) carries; None when it carries none, or is no Wasm."""
    text = custom_sections(wasm).get(INTERFACE)
    return text.decode(errors="replace") if text is not None else None


def _unpacked(wasm: bytes) -> bytes:
    """The module itself; nothing when it is larger than any network takes."""
    if not wasm.startswith(_GZIP):
        return wasm
    module = zlib.decompressobj(_GZIP_WINDOW).decompress(wasm, _MAX_MODULE + 1)
    return module if len(module) <= _MAX_MODULE else b""


def _sections(module: bytes) -> Iterator[tuple[str, bytes]]:
    position = _HEADER
    for _ in range(_MAX_SECTIONS):
        if position >= len(module):
            return
        kind = module[position]
        size, start = _leb128(module, position + 1)
        position = start + size
        if kind == 0:
            length, name = _leb128(module, start)
            words = module[name : name + length].decode(errors="replace").split(" ", 1)
            if words[0] in _VISIBILITIES:
                yield words[-1], module[name + length : position]


def _leb128(module: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number: it and the position behind it. Raises `IndexError` when there is none."""
    value = 0
    for index in range(_MAX_NUMBER):
        byte = module[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise IndexError("a number of more than 64 bits")
