"""Names of a Wasm module's custom sections, by which canisters say how they want to be upgraded.

Only as much of the binary format as that needs (WebAssembly core specification, "Modules", "Sections"): eight
bytes of header, then sections of an id byte, a LEB128 length and content; a custom section (id 0) begins with
its name.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Final

_GZIP: Final = b"\x1f\x8b"
_HEADER: Final = 8
_PERSISTENT: Final = "enhanced-orthogonal-persistence"


def keeps_memory(wasm: bytes) -> bool:
    """Tell whether a module (plain or gzip) keeps its main memory across upgrades, as Motoko's do.

    Such a module must be upgraded with the option to keep it, or the network refuses. False for what is no
    Wasm: the network says better what is wrong with it.
    """
    try:
        module = gzip.decompress(wasm) if wasm.startswith(_GZIP) else wasm
        return any(name.split(" ")[-1] == _PERSISTENT for name in _custom_sections(module))
    except (OSError, EOFError, zlib.error, IndexError):
        return False


def _custom_sections(module: bytes) -> Iterator[str]:
    position = _HEADER
    while position < len(module):
        kind = module[position]
        size, start = _leb128(module, position + 1)
        if kind == 0:
            length, name = _leb128(module, start)
            yield module[name : name + length].decode(errors="replace")
        position = start + size


def _leb128(module: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number; give it and the position behind it."""
    value = shift = 0
    while True:
        byte = module[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
