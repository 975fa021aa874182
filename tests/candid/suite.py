"""Reader of the statements of the official Candid test suite (`*.test.did`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ic_harness.candid.lexer import literal_text
from ic_harness.candid.token_cursor import Cursor
from ic_harness.candid.type_parser import Scope, TypeParser
from ic_harness.candid.types import Type

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "candid-suite"


@dataclass(frozen=True)
class Side:
    """One side of an assert: a binary message, or the text of a value."""

    binary: bytes | None
    text: str | None


@dataclass(frozen=True)
class Assert:
    """`left operator right : types "what"`; `decodes` is False for `!:`."""

    where: str
    left: Side
    operator: str | None
    right: Side | None
    decodes: bool
    types: tuple[Type, ...]
    what: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}"


def read(text: str, name: str) -> list[Assert]:
    """All asserts of one file."""
    cursor = Cursor(text)
    scope = Scope()
    types = TypeParser(cursor, scope.use)
    found: list[Assert] = []
    while cursor.here.kind != "end":
        token = cursor.take()
        if token.text == "type":
            offset = cursor.here.offset
            label = cursor.name()
            cursor.expect("=")
            scope.define(label, types.type(), doc="", offset=offset)
        else:
            line = text.count("\n", 0, token.offset) + 1
            found.append(_assert(cursor, types, f"{name}:{line}"))
        cursor.takes(";")
    scope.check()
    return found


def _assert(cursor: Cursor, types: TypeParser, where: str) -> Assert:
    left = _side(cursor)
    operator = cursor.take().text if cursor.sees("==", "!=") else None
    right = _side(cursor) if operator else None
    decodes = cursor.take().text == ":"
    expected, _ = types.tuple_type()
    what = cursor.text() if cursor.here.kind == "text" else ""
    return Assert(where, left, operator, right, decodes, expected, what)


def _side(cursor: Cursor) -> Side:
    if cursor.takes("blob"):
        return Side(cursor.take().data, None)
    return Side(None, literal_text(cursor.take()))


def asserts() -> list[Assert]:
    """Every assert of every file that is there; none where the suite is not beside the project."""
    files = sorted(FOLDER.glob("*.test.did"))
    return [a for file in files for a in read(file.read_text(encoding="utf-8"), file.name.split(".")[0])]
