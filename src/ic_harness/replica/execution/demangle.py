"""Readable names from the linker symbols of Rust, old and new; other names stay as they are.

Canisters choose the names in their `name` section, and a trap demangles up to a hundred of them inside a round.
So nothing here backtracks: symbols are read once from left to right, the old form with a length before each
part, the new one by a parser with a budget of steps that all names of a backtrace share. What is too long, or
comes after the budget is used up, stays as the linker wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .demangle_v0 import Budget, demangle_v0

MAX_NAME: Final = 2_000
"""Characters of a name that are shown, and of a symbol that is demangled; real ones have a few hundred."""

_HASH_LENGTH: Final = 17
_HEX: Final = frozenset("0123456789abcdef")
_LLVM: Final = ".llvm."
_LLVM_DIGITS: Final = frozenset("0123456789ABCDEF@")
_LEGACY: Final = ("__ZN", "_ZN")
_MAX_DIGITS: Final = 4
_ESCAPES: Final = {
    "$SP$": "@", "$BP$": "*", "$RF$": "&", "$LT$": "<", "$GT$": ">", "$LP$": "(", "$RP$": ")", "$C$": ",",
}  # fmt: skip


def demangle(symbol: str) -> str:
    """`_ZN4core6option15expect_failed17h…E` is `core::option::expect_failed`."""
    return _demangle(symbol, Budget())


def demangle_all(symbols: Iterable[str]) -> list[str]:
    """Demangle the names of one backtrace, within one budget for all of them."""
    budget = Budget()
    return [_demangle(symbol, budget) for symbol in symbols]


def _demangle(symbol: str, budget: Budget) -> str:
    if len(symbol) > MAX_NAME or not symbol.isascii():
        return _cut(symbol)
    core = _without_llvm(symbol)
    new = demangle_v0(core, budget)
    return _cut(new if new is not None else _legacy(core, budget) or symbol)


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _without_llvm(symbol: str) -> str:
    """Take off what thin LTO appends to the symbols of functions that it imports: `.llvm.` and digits."""
    core, mark, digits = symbol.partition(_LLVM)
    return core if mark and _LLVM_DIGITS.issuperset(digits) else symbol


def _legacy(symbol: str, budget: Budget) -> str | None:
    """Read `_ZN`, parts with their lengths, `E` and perhaps a suffix that begins with a dot."""
    prefix = next((prefix for prefix in _LEGACY if symbol.startswith(prefix)), None)
    if prefix is None:
        return None
    parts: list[str] = []
    position = len(prefix)
    while symbol[position : position + 1] != "E":
        start = position
        while position - start < _MAX_DIGITS and symbol[position : position + 1].isdigit():
            position += 1
        length = int(symbol[start:position]) if position > start else 0
        part = symbol[position : position + length]
        if not part or len(part) < length or not budget.spend():
            return None
        parts.append(part)
        position += length
    suffix = symbol[position + 1 :]
    if not parts or (suffix and not suffix.startswith(".")):
        return None
    if _is_hash(parts[-1]):
        parts.pop()
    return "::".join(map(_plain, parts)) + suffix


def _is_hash(part: str) -> bool:
    return len(part) == _HASH_LENGTH and part[0] == "h" and _HEX.issuperset(part[1:])


def _plain(part: str) -> str:
    if part.startswith("_$"):
        part = part[1:]
    part = part.replace("..", "::")
    for escape, character in _ESCAPES.items():
        part = part.replace(escape, character)
    return _unicode(part) if "$u" in part else part


def _unicode(part: str) -> str:
    """Replace `$u20$` by the character with that number; escapes of control characters stay."""
    pieces = part.split("$")
    shown = pieces[0]
    index = 1
    while index < len(pieces):
        character = _character(pieces[index]) if index + 1 < len(pieces) else None
        if character is None:
            shown += f"${pieces[index]}"
            index += 1
        else:
            shown += character + pieces[index + 1]
            index += 2
    return shown


def _character(escape: str) -> str | None:
    digits = escape[1:]
    if not escape.startswith("u") or not 1 <= len(digits) <= 6 or not _HEX.issuperset(digits):
        return None
    number = int(digits, 16)
    character = chr(number) if number <= 0x10FFFF else ""
    return character if character.isprintable() and character else None
