"""Parses types (Candid specification, "Core Grammar" and "Syntactic Shorthands")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from ic_harness.candid.token_cursor import Cursor
from ic_harness.candid.types import (
    BLOB,
    BY_NAME,
    NULL,
    Field,
    Func,
    Mode,
    Named,
    Opt,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    field_hash,
)
from ic_harness.errors import CandidError

_MODES: Final = ("query", "oneway", "composite_query")

Lookup = Callable[[str, int], Type]
"""Returns the type of a name; called with the name and the offset of its use."""


class TypeParser:
    """Parses types from a cursor; `lookup` resolves names."""

    def __init__(self, cursor: Cursor, lookup: Lookup) -> None:
        self.cursor = cursor
        self._lookup = lookup

    def type(self) -> Type:
        """Parse one type."""
        self.cursor.enter()
        try:
            return self._type()
        finally:
            self.cursor.leave()

    def _type(self) -> Type:  # noqa: PLR0911 - a return for each kind of type
        token = self.cursor.here
        if token.kind != "name":
            self.cursor.fail("a type")
        self.cursor.take()
        match token.text:
            case "opt":
                return Opt(self.type())
            case "vec":
                return Vec(self.type())
            case "record":
                return Record(self._fields(self._record_field))
            case "variant":
                return Variant(self._fields(self._variant_field))
            case "func":
                return self.func()
            case "service":
                return self.service()
            case "blob":
                return BLOB
        return BY_NAME.get(token.text) or self._lookup(token.text, token.offset)

    def _fields(self, read: Callable[[int, int], Field]) -> tuple[Field, ...]:
        """Parse fields in braces, sorted by label. A field without a label gets the previous label plus one."""
        self.cursor.expect("{")
        found: dict[int, Field] = {}
        following = 0
        while not self.cursor.takes("}"):
            offset = self.cursor.here.offset
            field = read(following, len(found))
            if field.id in found:
                raise CandidError(
                    f"the label {field.key} stands for the same field as {found[field.id].key}", offset=offset
                )
            found[field.id] = field
            following = field.id + 1
            if not self.cursor.takes(";") and not self.cursor.sees("}"):
                self.cursor.fail("; or }")
        return tuple(found[label] for label in sorted(found))

    def _record_field(self, following: int, position: int) -> Field:
        doc = self.cursor.here.doc
        labelled = self.cursor.following.text == ":" and self.cursor.following.kind == "symbol"
        if not labelled:
            if following >= 2**32:
                raise CandidError("no label is left for a field without one", offset=self.cursor.here.offset)
            return Field(following, None, self.type(), doc, position)
        label, name = self._label()
        self.cursor.expect(":")
        return Field(label, name, self.type(), doc, position)

    def _variant_field(self, _following: int, position: int) -> Field:
        doc = self.cursor.here.doc
        label, name = self._label()
        return Field(label, name, self.type() if self.cursor.takes(":") else NULL, doc, position)

    def _label(self) -> tuple[int, str | None]:
        if self.cursor.here.kind == "number":
            return self.cursor.label(), None
        name = self.cursor.member()
        return field_hash(name), name

    def func(self) -> Func:
        """Parse what follows `func`: parameters, results and modes."""
        arg_types, arg_names = self.tuple_type()
        self.cursor.expect("->")
        return_types, return_names = self.tuple_type()
        offset = self.cursor.here.offset
        modes: list[str] = []
        while self.cursor.sees(*_MODES):
            modes.append(self.cursor.take().text)
        if len(set(modes)) > 1:
            raise CandidError("a function has one mode only", offset=offset)
        if "oneway" in modes and return_types:
            raise CandidError("a oneway function returns nothing", offset=offset, expected="()")
        mode = cast("Mode", modes[0] if modes else "update")
        return Func(arg_types, return_types, mode, arg_names, return_names)

    def tuple_type(self) -> tuple[tuple[Type, ...], tuple[str | None, ...]]:
        """Parse `(name : type, …)`: return the types and their names. A single type needs no parentheses."""
        if not self.cursor.sees("("):
            return (self.type(),), (None,)
        self.cursor.take()
        types: list[Type] = []
        names: list[str | None] = []
        while not self.cursor.takes(")"):
            offset = self.cursor.here.offset
            name, type_ = self._argument()
            if name is not None and name in names:
                raise CandidError(f"two arguments are called {name!r}", offset=offset)
            types.append(type_)
            names.append(name)
            if not self.cursor.takes(",") and not self.cursor.sees(")"):
                self.cursor.fail(", or )")
        return tuple(types), tuple(names)

    def _argument(self) -> tuple[str | None, Type]:
        following = self.cursor.following
        if following.kind == "symbol" and following.text == ":":
            # Arguments may be called `principal` or `blob`: before a colon a keyword is not ambiguous.
            token = self.cursor.here
            name = self.cursor.take().text if token.kind == "name" else self.cursor.name()
            self.cursor.expect(":")
            return name, self.type()
        return None, self.type()

    def service(self) -> ServiceType:
        """Parse what follows `service`: methods in braces, sorted by name."""
        self.cursor.expect("{")
        methods: dict[str, tuple[Type, str]] = {}
        while not self.cursor.takes("}"):
            token = self.cursor.here
            name = self.cursor.member()
            self.cursor.expect(":")
            if name in methods:
                raise CandidError(f"the method {name!r} is declared twice", offset=token.offset)
            methods[name] = (self._method(), token.doc)
            if not self.cursor.takes(";") and not self.cursor.sees("}"):
                self.cursor.fail("; or }")
        ordered = sorted(methods.items(), key=lambda item: item[0].encode())
        return ServiceType(
            tuple((name, type_) for name, (type_, _) in ordered), tuple(doc for _, (_, doc) in ordered)
        )

    def _method(self) -> Type:
        token = self.cursor.here
        if token.kind == "name" and self.cursor.at_name() and self.cursor.following.text != "->":
            self.cursor.take()
            return self._lookup(token.text, token.offset)
        return self.func()


MAX_ALIASES: Final = 100
"""Longest chain of names that are aliases of the next; real interfaces have two or three."""


class Scope:
    """The names defined in a text; a use may come before the definition."""

    def __init__(self) -> None:
        self.names: dict[str, Named] = {}
        self._uses: dict[str, int] = {}

    def use(self, name: str, offset: int) -> Named:
        """Return the type called `name`, which may be defined later."""
        self._uses.setdefault(name, offset)
        return self.names.setdefault(name, Named(name))

    def use_elsewhere(self, name: str, offset: int) -> Named:  # noqa: ARG002 - an offset of another text
        """Return the type called `name` for an imported text, whose offsets mean nothing in this one."""
        return self.names.setdefault(name, Named(name))

    def define(self, name: str, type_: Type, *, doc: str, offset: int) -> None:
        """Define a name. Raises `CandidError` when it is defined already."""
        named = self.names.setdefault(name, Named(name))
        if named.defined:
            raise CandidError(f"the type {name!r} is defined twice", offset=offset)
        named.define(type_)
        named.doc = doc

    def check(self) -> None:
        """Raise `CandidError` for a name that is undefined, defined as itself, or a too long chain of aliases.

        Each use of a name follows its chain of aliases, so long chains would take quadratic time.
        """
        for name, named in self.names.items():
            if not named.defined:
                raise CandidError(f"the type {name!r} is not defined", offset=self._uses.get(name))
        for name, named in self.names.items():
            seen: set[int] = set()
            current: Type = named
            while isinstance(current, Named):
                if id(current) in seen:
                    raise CandidError(f"the type {name!r} is defined as itself", offset=self._uses.get(name))
                if len(seen) >= MAX_ALIASES:
                    raise CandidError(
                        f"the type {name!r} is a name for a name, more than {MAX_ALIASES} times",
                        offset=self._uses.get(name),
                    )
                seen.add(id(current))
                current = current.target
