"""Writing generated source: lines, blocks, and the code for primitive values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ic_harness.candid.readers import generated_names
from ic_harness.candid.sizes import Sizes
from ic_harness.candid.types import (
    BOOL,
    EMPTY,
    INT,
    NAT,
    NAT8,
    NULL,
    PRINCIPAL,
    TEXT,
    Prim,
    Type,
)
from ic_harness.errors import CandidError

MAX_LINES: Final = 30_000
"""Most lines of one decoder; a hostile table could make us write for minutes."""


class LineWriter:
    """Writes lines and remembers for each the path of the value that it reads."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.paths: list[str] = []
        self.names: dict[str, Any] = generated_names()
        self.sizes = Sizes()
        self.path = ""
        self._indent = 0
        self._serial = 0

    def emit(self, *texts: str) -> None:
        """Write lines at the current indentation."""
        for text in texts:
            self.lines.append("    " * self._indent + text)
            self.paths.append(self.path)
        if len(self.lines) > MAX_LINES:
            raise CandidError(f"the message's types need more than {MAX_LINES} lines of decoder")

    def fresh(self, letter: str) -> str:
        """A variable name that is not used yet."""
        self._serial += 1
        return f"{letter}{self._serial}"

    @contextmanager
    def block(self, head: str, path: str = "") -> Iterator[None]:
        """Lines below `head`, indented; `path` is added to the path of what they read."""
        self.emit(head)
        self._indent += 1
        with self.at(path):
            yield
        self._indent -= 1

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Lines that read a part of the current value."""
        before = self.path
        self.path += path
        yield
        self.path = before

    def number(self) -> str:
        """Write code that reads a length, count or case: below 2^64, so that it can be printed and multiplied."""
        return self._leb("leb_length")

    def natural(self) -> str:
        """Write code that reads a value of type `nat`, of any size."""
        return self._leb("leb")

    def _leb(self, reader: str) -> str:
        n = self.fresh("n")
        self.emit(f"{n} = b[p]", "p += 1")
        with self.block(f"if {n} > 127:"):
            self.emit(f"{n}, p = {reader}(b, p - 1)")
        return n

    def primitive(self, prim: Prim) -> str:
        """Write code that reads a primitive value; give the expression that holds it."""
        if prim is NULL:
            return "None"
        if prim is EMPTY:
            self.emit("fail(p, 'a value of the type empty, which has none')")
            return "None"
        if prim is NAT:
            return self.natural()
        result = self.fresh("v")
        if prim is TEXT:
            return self.text(result)
        if prim is PRINCIPAL:
            self.emit(f"{result}, p = read_principal(b, p)")
        elif prim is INT:
            self.emit(f"{result}, p = sleb(b, p)")
        elif prim is NAT8:
            self.emit(f"{result} = b[p]", "p += 1")
        elif prim is BOOL:
            self.boolean(result)
        else:
            self.emit(f"{result}, = unpack_{prim.name}(b, p)", f"p += {self.sizes.least_bytes(prim)}")
        return result

    def text(self, result: str) -> str:
        """Write code that reads a text, which must be UTF-8."""
        n = self.number()
        self.slice_end(n)
        self.emit(f"{result} = str(b[p:q], 'utf-8')", "p = q")
        return result

    def slice_end(self, length: str) -> None:
        """Write code that sets `q` to the end of so many bytes, which must be there."""
        self.emit(f"q = p + {length}")
        with self.block("if q > len(b):"):
            self.emit("fail_short(p)")

    def boolean(self, result: str) -> None:
        """Write code that reads `00` or `01`."""
        self.emit(f"{result} = b[p]", "p += 1")
        with self.block(f"if {result} > 1:"):
            self.emit(f"fail(p - 1, f'{{{result}}} is no truth value', '00 or 01')")
        self.emit(f"{result} = {result} == 1")

    def announce(self, element: Type, n: str) -> None:
        """Refuse a length that the message cannot hold, or that costs more than the quota."""
        least = self.sizes.least_bytes(element)
        if least:
            with self.block(f"if {n} * {least} > len(b) - p:"):
                self.emit(f"fail(p, f'{{{n}}} elements announced, {{len(b) - p}} bytes left')")
        else:
            self.charge(f"{n} * {self.sizes.charge(element)}")

    def charge(self, cost: str) -> None:
        """Write code that takes `cost` from the quota."""
        self.emit(f"s[1] -= {cost}")
        with self.block("if s[1] < 0:"):
            self.emit("fail_bomb(p)")
