"""Custom sections of a WebAssembly module: reading them, making them, and shortening the one of function names."""

from __future__ import annotations

from typing import Final

FUNCTION_NAMES: Final = 1
LONGEST_NAME: Final = 90


def custom_section(name: str, content: bytes) -> bytes:
    """Return a custom section: id 0, size, length of the name, name, content (WebAssembly, 5.5.3)."""
    body = leb128(len(name)) + name.encode() + content
    return b"\0" + leb128(len(body)) + body


def sections(wasm: bytes) -> dict[str, bytes]:
    """Return the custom sections of a module by name."""
    found, at = {}, 8
    while at < len(wasm):
        kind = wasm[at]
        size, at = read_leb128(wasm, at + 1)
        if kind == 0:
            length, start = read_leb128(wasm, at)
            found[wasm[start : start + length].decode()] = wasm[start + length : at + size]
        at += size
    return found


def with_short_names(wasm: bytes) -> bytes:
    """Return the module with only those function names that a person can read in a backtrace.

    The names of generic code are longer than the code itself (a megabyte of them), and say less than the name of
    who called it.
    """
    out, at = bytearray(wasm[:8]), 8
    while at < len(wasm):
        size, start = read_leb128(wasm, at + 1)
        end = start + size
        length, content = read_leb128(wasm, start)
        is_names = wasm[at] == 0 and wasm[content : content + length] == b"name"
        out += custom_section("name", short_names(wasm[content + length : end])) if is_names else wasm[at:end]
        at = end
    return bytes(out)


def short_names(section: bytes) -> bytes:
    """Return the function names (subsection 1 of the name section) without the long ones and the rest."""
    kind, at = section[0], 0
    while kind != FUNCTION_NAMES:
        size, start = read_leb128(section, at + 1)
        at = start + size
        kind = section[at]
    _, start = read_leb128(section, at + 1)
    count, at = read_leb128(section, start)
    kept = []
    for _ in range(count):
        index, name = read_leb128(section, at)
        length, name = read_leb128(section, name)
        at = name + length
        if length <= LONGEST_NAME:
            kept.append(leb128(index) + leb128(length) + section[name:at])
    body = leb128(len(kept)) + b"".join(kept)
    return bytes([FUNCTION_NAMES]) + leb128(len(body)) + body


def leb128(number: int) -> bytes:
    """Return an unsigned number in LEB128."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return the unsigned number at an offset, and the offset behind it."""
    number = shift = 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return number | data[at] << shift, at + 1
