"""Parses textual values (Candid specification, "Values") to syntax nodes, without knowing their types.

The node of `1` may become a nat8 or a float; `textual_values.py` converts nodes to values at a type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ic_harness.candid.lexer import Token, literal_text
from ic_harness.candid.token_cursor import Cursor
from ic_harness.candid.type_parser import TypeParser
from ic_harness.candid.types import MAX_FIELD_ID, NULL, Type, field_hash
from ic_harness.errors import CandidError, PrincipalError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal


@dataclass(frozen=True, slots=True)
class Node:
    """Base of the syntax nodes; `offset` is the character where the value begins."""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text, `true`, `false` or `null`, as its token."""

    token: Token


@dataclass(frozen=True, slots=True)
class BlobNode(Node):
    """`blob "…"`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class OptNode(Node):
    """`opt value`."""

    inner: Node


@dataclass(frozen=True, slots=True)
class VecNode(Node):
    """`vec { value; … }`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class FieldNode:
    """`label = value`; `name` is None for a numeric label or none at all."""

    id: int
    name: str | None
    value: Node


@dataclass(frozen=True, slots=True)
class RecordNode(Node):
    """`record { label = value; … }`."""

    fields: tuple[FieldNode, ...]


@dataclass(frozen=True, slots=True)
class VariantNode(Node):
    """`variant { label = value }`."""

    field: FieldNode


@dataclass(frozen=True, slots=True)
class ReferenceNode(Node):
    """`principal "…"`, `service "…"`, or `func "…".method`."""

    kind: str
    principal: Principal
    method: str | None


@dataclass(frozen=True, slots=True)
class AnnotatedNode(Node):
    """`value : type`."""

    inner: Node
    type: Type


_NULL_TOKEN: Final = Token("name", "null", 0)


class ValueParser:
    """Parses values from a cursor."""

    def __init__(self, cursor: Cursor, types: TypeParser) -> None:
        self.cursor = cursor
        self._types = types

    def arguments(self) -> tuple[Node, ...]:
        """Parse `(value, …)`."""
        self.cursor.expect("(")
        found: list[Node] = []
        while not self.cursor.takes(")"):
            found.append(self.annotated())
            if not self.cursor.takes(",") and not self.cursor.sees(")"):
                self.cursor.fail(", or )")
        return tuple(found)

    def annotated(self) -> Node:
        """Parse a value with or without a type annotation."""
        value = self.value()
        while self.cursor.takes(":"):
            value = AnnotatedNode(value.offset, value, self._types.type())
        return value

    def value(self) -> Node:
        """Parse one value."""
        self.cursor.enter()
        token = self.cursor.here
        if token.kind == "name":
            read = _READERS.get(token.text)
            if read is None:
                self.cursor.fail("a value")
            self.cursor.take()
            found = read(self, token)
        elif token.kind in ("number", "text"):
            found = Literal(token.offset, self.cursor.take())
        else:
            self.cursor.expect("(")
            found = self.annotated()
            self.cursor.expect(")")
        self.cursor.leave()
        return found

    def literal(self, token: Token) -> Node:
        """Return the node of `true`, `false`, `null` or `nan`."""
        return Literal(token.offset, token)

    def opt(self, token: Token) -> Node:
        """Parse what follows `opt`."""
        return OptNode(token.offset, self.value())

    def blob(self, token: Token) -> Node:
        """Parse what follows `blob`."""
        if self.cursor.here.kind != "text":
            self.cursor.fail("a text in quotes")
        return BlobNode(token.offset, self.cursor.take().data)

    def vec(self, token: Token) -> Node:
        """Parse what follows `vec`."""
        self.cursor.expect("{")
        items: list[Node] = []
        while not self.cursor.takes("}"):
            items.append(self.annotated())
            self.separator()
        return VecNode(token.offset, tuple(items))

    def record(self, token: Token) -> Node:
        """Parse what follows `record`; labels must be distinct."""
        self.cursor.expect("{")
        found: dict[int, FieldNode] = {}
        following = 0
        while not self.cursor.takes("}"):
            offset = self.cursor.here.offset
            field = self.record_field(following)
            if field.id in found:
                raise CandidError("two fields of a record have the same label", offset=offset)
            if field.id > MAX_FIELD_ID:
                raise CandidError("no label is left for a field without one", offset=offset)
            found[field.id] = field
            following = field.id + 1
            self.separator()
        return RecordNode(token.offset, tuple(found.values()))

    def record_field(self, following: int) -> FieldNode:
        """Parse `label = value`, or a value without a label."""
        if self.cursor.following.kind == "symbol" and self.cursor.following.text == "=":
            label, name = self.label()
            self.cursor.expect("=")
            return FieldNode(label, name, self.annotated())
        return FieldNode(following, None, self.annotated())

    def label(self) -> tuple[int, str | None]:
        """Parse a label: return its number, and its name if it has one."""
        if self.cursor.here.kind == "number":
            return self.cursor.label(), None
        name = self.cursor.name()
        return field_hash(name), name

    def variant(self, token: Token) -> Node:
        """Parse what follows `variant`: one case, with or without a value."""
        self.cursor.expect("{")
        offset = self.cursor.here.offset
        label, name = self.label()
        value = self.annotated() if self.cursor.takes("=") else Literal(offset, _NULL_TOKEN)
        self.cursor.takes(";")
        self.cursor.expect("}")
        return VariantNode(token.offset, FieldNode(label, name, value))

    def reference(self, token: Token) -> Node:
        """Parse what follows `principal`, `service` or `func`."""
        text = self.cursor.here
        try:
            principal = Principal.from_text(self.cursor.text())
        except PrincipalError as error:
            raise CandidError(str(error), offset=text.offset, expected="a principal") from None
        if token.text != "func":
            return ReferenceNode(token.offset, token.text, principal, None)
        self.cursor.expect(".")
        return ReferenceNode(token.offset, "func", principal, self.cursor.name())

    def separator(self) -> None:
        """Consume the `;` between items, which is optional before `}`."""
        if not self.cursor.takes(";") and not self.cursor.sees("}"):
            self.cursor.fail("; or }")


_READERS: Final[dict[str, Callable[[ValueParser, Token], Node]]] = {
    **dict.fromkeys(("true", "false", "null", "nan"), ValueParser.literal),
    **dict.fromkeys(("principal", "service", "func"), ValueParser.reference),
    "opt": ValueParser.opt,
    "blob": ValueParser.blob,
    "vec": ValueParser.vec,
    "record": ValueParser.record,
    "variant": ValueParser.variant,
}


def text_of(node: Literal) -> str:
    """Return the text of a text literal."""
    return literal_text(node.token)


def is_null(node: Node) -> bool:
    """Return whether the node is `null`."""
    return isinstance(node, Literal) and node.token.kind == "name" and node.token.text == NULL.name
