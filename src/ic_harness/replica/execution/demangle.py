"""Readable names from the linker symbols of Rust, old and new; other names stay as they are."""

from __future__ import annotations

import re

from .demangle_v0 import demangle_v0

_SYMBOL = re.compile(r"_?_ZN((?:\d+[^\n]*)+)E(?:\.llvm\.[0-9A-F]+)?")
_HASH = re.compile(r"h[0-9a-f]{16}")
_ESCAPES = {
    "$SP$": "@", "$BP$": "*", "$RF$": "&", "$LT$": "<", "$GT$": ">", "$LP$": "(", "$RP$": ")", "$C$": ",",
}  # fmt: skip
_UNICODE = re.compile(r"\$u([0-9a-f]+)\$")


def demangle(symbol: str) -> str:
    """`_ZN4core6option15expect_failed17h…E` is `core::option::expect_failed`."""
    new = demangle_v0(symbol)
    if new is not None:
        return new
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        return symbol
    parts = _split(found[1])
    if parts is None:
        return symbol
    if parts and _HASH.fullmatch(parts[-1]):
        parts.pop()
    return "::".join(_plain(part) for part in parts)


def _split(text: str) -> list[str] | None:
    parts = []
    while text:
        digits = re.match(r"\d+", text)
        if digits is None:
            return None
        length = int(digits[0])
        part = text[digits.end() : digits.end() + length]
        if len(part) < length:
            return None
        parts.append(part)
        text = text[digits.end() + length :]
    return parts


def _plain(part: str) -> str:
    if part.startswith("_$"):
        part = part[1:]
    part = part.replace("..", "::")
    for escape, character in _ESCAPES.items():
        part = part.replace(escape, character)
    return _UNICODE.sub(lambda match: chr(int(match[1], 16)), part)
