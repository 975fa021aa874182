"""Readable names from Rust's "v0" symbols. Grammar: the Rust compiler's RFC 2603, "Symbol name mangling v0".

Crate hashes, disambiguators of items and lifetimes are left out, as in the network's own backtraces.

Back references make a few bytes stand for exponentially long names. So depth, steps and length are bounded; what
exceeds them is no symbol that a compiler writes, and counts as not following the grammar.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.lazy_dataclass import dataclass

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEX = frozenset("0123456789abcdef")
_MAX_DEPTH: Final = 60
_MAX_OUTPUT: Final = 2_000
_MAX_DIGITS: Final = 11  # of a number to base 62; ten digits are 59 bits
_MAX_LENGTH_DIGITS: Final = 4
_MAX_STEPS: Final = 1_000  # 2 to 5 µs each; a hundred usual names take some 600
_BASIC = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8", "i": "isize",
    "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "p": "_", "s": "i16", "t": "u16",
    "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!",
}  # fmt: skip
_POINTERS = {"R": "&", "Q": "&mut ", "P": "*const ", "O": "*mut "}


class _NotV0Error(Exception):
    """The symbol does not follow the grammar, or exceeds a bound."""


@dataclass(slots=True)
class Budget:
    """Steps (parts, paths, types and constants read) that one symbol, or all of a backtrace, may take."""

    steps: int = _MAX_STEPS

    def spend(self) -> bool:
        """Take one step; whether there was one left."""
        self.steps -= 1
        return self.steps >= 0


class _Parser:
    """Reads one symbol; `text` is what follows `_R`."""

    def __init__(self, text: str, budget: Budget) -> None:
        self.text = text
        self.budget = budget
        self.position = 0
        self.depth = 0

    # --- letters and numbers

    def next(self) -> str:
        if self.position >= len(self.text):
            raise _NotV0Error
        self.position += 1
        return self.text[self.position - 1]

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def eat(self, letter: str) -> bool:
        found = self.peek() == letter
        self.position += found
        return found

    def base62(self) -> int:
        if self.eat("_"):
            return 0
        value = 0
        for _ in range(_MAX_DIGITS):
            digit = _DIGITS.find(self.next())
            if digit < 0:
                raise _NotV0Error
            value = value * 62 + digit
            if self.eat("_"):
                return value + 1
        raise _NotV0Error

    def optional(self, letter: str) -> int:
        return self.base62() + 1 if self.eat(letter) else 0

    def back(self, read: Callable[[], str]) -> str:
        """What stands at an earlier position."""
        target = self.base62()
        here, self.position = self.position, target
        if target >= here:
            raise _NotV0Error
        found = read()
        self.position = here
        return found

    def bounded(self, read: Callable[[], str]) -> str:
        """Read one path, type or constant: a step of the budget, a level of depth, a name of bounded length."""
        self.depth += 1
        if not self.budget.spend() or self.depth > _MAX_DEPTH:
            raise _NotV0Error
        found = read()
        self.depth -= 1
        if len(found) > _MAX_OUTPUT:
            raise _NotV0Error
        return found

    def until_end(self, read: Callable[[], str]) -> list[str]:
        found = []
        while not self.eat("E"):
            found.append(read())
        return found

    # --- grammar

    def identifier(self) -> str:
        self.eat("u")
        digits = ""
        while self.peek().isdigit() and digits != "0" and len(digits) < _MAX_LENGTH_DIGITS:
            digits += self.next()
        self.eat("_")
        if not digits or self.position + int(digits) > len(self.text):
            raise _NotV0Error
        self.position += int(digits)
        return self.text[self.position - int(digits) : self.position]

    def path(self, *, value: bool) -> str:
        return self.bounded(lambda: self._path(value=value))

    def _path(self, *, value: bool) -> str:
        tag = self.next()
        if tag == "C":
            self.optional("s")
            return self.identifier()
        if tag == "N":
            return self.nested(value=value)
        if tag in "MX":
            self.optional("s")
            self.path(value=False)
            return self.qualified(tag)
        if tag == "Y":
            return self.qualified(tag)
        if tag == "I":
            path = self.path(value=value)
            arguments = [item for item in self.until_end(self.generic) if item]
            return f"{path}{'::' if value else ''}<{', '.join(arguments)}>" if arguments else path
        if tag == "B":
            return self.back(lambda: self.path(value=value))
        raise _NotV0Error

    def nested(self, *, value: bool) -> str:
        namespace = self.next()
        path = self.path(value=value)
        number = self.optional("s")
        name = self.identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            return f"{path}::{{{kind}{':' + name if name else ''}#{number}}}"
        return f"{path}::{name}" if name else path

    def qualified(self, tag: str) -> str:
        of = self.type()
        return f"<{of}>" if tag == "M" else f"<{of} as {self.path(value=False)}>"

    def generic(self) -> str:
        if self.eat("L"):
            self.base62()
            return ""
        return self.constant() if self.eat("K") else self.type()

    def type(self) -> str:
        return self.bounded(self._type)

    def _type(self) -> str:
        tag = self.next()
        if tag in _BASIC:
            return _BASIC[tag]
        if tag in _POINTERS:
            if tag in "RQ" and self.eat("L"):
                self.base62()
            return _POINTERS[tag] + self.type()
        reader = {"A": self.array, "S": self.slice, "T": self.tuple, "F": self.function, "D": self.dyn}.get(
            tag
        )
        if reader is not None:
            return reader()
        if tag == "B":
            return self.back(self.type)
        self.position -= 1
        return self.path(value=False)

    def array(self) -> str:
        return f"[{self.type()}; {self.constant()}]"

    def slice(self) -> str:
        return f"[{self.type()}]"

    def tuple(self) -> str:
        items = self.until_end(self.type)
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"

    def function(self) -> str:
        self.optional("G")
        unsafe = "unsafe " if self.eat("U") else ""
        abi = ""
        if self.eat("K"):
            abi = f'extern "{"C" if self.eat("C") else self.identifier().replace("_", "-")}" '
        params = ", ".join(self.until_end(self.type))
        result = self.type()
        return f"{unsafe}{abi}fn({params})" + ("" if result == "()" else f" -> {result}")

    def dyn(self) -> str:
        self.optional("G")
        bounds = self.until_end(self.bound)
        if not self.eat("L"):
            raise _NotV0Error
        self.base62()
        return "dyn " + " + ".join(bounds)

    def bound(self) -> str:
        path = self.path(value=False)
        while self.eat("p"):
            item = f"{self.identifier()} = {self.type()}"
            path = f"{path[:-1]}, {item}>" if path.endswith(">") else f"{path}<{item}>"
        return path

    def constant(self) -> str:
        return self.bounded(self._constant)

    def _constant(self) -> str:
        if self.eat("B"):
            return self.back(self.constant)
        kind = self.next()
        if kind == "p":
            return "_"
        sign = "-" if self.eat("n") else ""
        end = self.text.find("_", self.position)
        digits = self.text[self.position : end] if end >= 0 else "?"
        if not _HEX.issuperset(digits):
            raise _NotV0Error
        self.position = end + 1
        if len(digits) > 16:
            return f"{sign}0x{digits}"
        number = int(digits or "0", 16)
        if kind == "b":
            return str(bool(number)).lower()
        return repr(chr(number)) if kind == "c" and number <= 0x10FFFF else f"{sign}{number}"


def demangle_v0(symbol: str, budget: Budget | None = None) -> str | None:
    """`_RNvCs…_5hello4main` is `hello::main`; None for what is no such symbol. `budget` is shared with others."""
    if not symbol.startswith("_R") or not symbol.isascii():
        return None
    try:
        return _Parser(symbol[2:], budget or Budget()).path(value=True)
    except _NotV0Error:
        return None
