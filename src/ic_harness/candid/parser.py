"""Parses `.did` files (Candid specification, "Interfaces" and "Imports")."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from ic_harness.candid.lexer import Token
from ic_harness.candid.service import Method, Service
from ic_harness.candid.token_cursor import Cursor
from ic_harness.candid.type_parser import Scope, TypeParser
from ic_harness.candid.types import Func, ServiceType, Type, resolve
from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.text import place_in, read_text

_MAX_IMPORT_DEPTH: Final = 50


def parse(text: str, *, path: Path | None = None) -> Service:
    """Parse an interface. `path` is the file of the text; imports are relative to its folder.

    Raises `CandidError` with the offset (in characters) of the error, also when an import cannot be read.
    """
    scope = Scope()
    files = _Imports()
    actor = _FileParser(text, path, scope, files).run(())
    scope.check()
    return _service(scope, actor, files.actors)


@lru_cache(maxsize=8)
def parse_constant(text: str) -> Service:
    """Parse an interface that is part of the program; the result is shared, and callers must not change it.

    Raises `CandidError`.
    """
    return parse(text)


def parse_types(text: str) -> tuple[Type, ...]:
    """Parse a sequence of types such as `(nat8, vec text)`, without type names. Raises `CandidError`."""
    return _parse_types(text)


@lru_cache(maxsize=512)
def _parse_types(text: str) -> tuple[Type, ...]:
    cursor = Cursor(text)
    parser = TypeParser(cursor, _no_names)
    types, _ = parser.tuple_type()
    cursor.expect_end()
    return types


def _no_names(name: str, offset: int) -> Type:
    raise CandidError(f"the type {name!r} is not defined", offset=offset)


@dataclass(frozen=True, slots=True)
class _Actor:
    """A service declaration of one file."""

    type: Type
    init_args: tuple[Type, ...] | None
    name: str | None
    doc: str
    offset: int
    init_names: tuple[str | None, ...] = ()


class _Imports:
    """The state of importing: files already read, and services imported from them."""

    def __init__(self) -> None:
        self.seen: set[Path] = set()
        self.actors: list[_Actor] = []


class _FileParser:
    """Parses one file into a scope that all imported files share, since an import is textual inclusion."""

    def __init__(
        self, text: str, path: Path | None, scope: Scope, files: _Imports, *, imported: bool = False
    ) -> None:
        self.cursor = Cursor(text)
        self.types = TypeParser(self.cursor, scope.use if not imported else scope.use_elsewhere)
        self.path = path
        self.scope = scope
        self.files = files

    def run(self, importing: tuple[Path, ...]) -> _Actor | None:
        actor = None
        while not self.cursor.at_end:
            token = self.cursor.here
            if actor is not None:
                self.cursor.fail("nothing behind the service")
            match token.text if token.kind == "name" else "":
                case "type":
                    self.definition()
                case "import":
                    self.import_(importing)
                case "service":
                    actor = self.actor()
                case _:
                    self.cursor.fail("type, import or service")
            if not self.cursor.takes(";") and not self.cursor.at_end:
                # The grammar separates definitions by semicolons, but files without them exist.
                self.separator()
        return actor

    def separator(self) -> None:
        if not self.cursor.sees("type", "import", "service"):
            self.cursor.fail(";")

    def definition(self) -> None:
        keyword = self.cursor.take()
        token = self.cursor.here
        name = self.cursor.name()
        self.cursor.expect("=")
        self.scope.define(name, self.types.type(), doc=keyword.doc, offset=token.offset)

    def import_(self, importing: tuple[Path, ...]) -> None:
        self.cursor.take()
        with_service = self.cursor.takes("service")
        token = self.cursor.here
        found = self.locate(self.cursor.text(), token)
        if found in importing or len(importing) >= _MAX_IMPORT_DEPTH:
            raise CandidError(f"{found.name} imports itself", offset=token.offset)
        if found in self.files.seen and not with_service:
            return
        already = found in self.files.seen
        self.files.seen.add(found)
        scope = Scope() if already else self.scope
        text = self.read(found, token)
        try:
            parser = _FileParser(text, found, scope, self.files, imported=True)
            actor = parser.run((*importing, found))
        except CandidError as error:
            raise _imported(error, text, found, token) from error
        if with_service:
            if actor is None:
                raise CandidError(f"{found.name} has no service to import", offset=token.offset)
            self.files.actors.append(actor)

    def locate(self, name: str, token: Token) -> Path:
        if self.path is None:
            raise CandidError(
                f"cannot import {name!r}: where this text comes from is not known (give path=)",
                offset=token.offset,
            )
        try:
            return (self.path.parent / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:  # a NUL in the name, a loop of links
            raise CandidError(f"cannot import {name!r}: {error}", offset=token.offset) from error

    def read(self, path: Path, token: Token) -> str:
        try:
            return read_text(path)
        except (OSError, ValueError) as error:
            raise CandidError(f"cannot import {path.name}: {error}", offset=token.offset) from error

    def actor(self) -> _Actor:
        keyword = self.cursor.take()
        name = self.cursor.name() if self.cursor.at_name() else None
        self.cursor.expect(":")
        init_args: tuple[Type, ...] | None = None
        init_names: tuple[str | None, ...] = ()
        if self.cursor.sees("("):
            init_args, init_names = self.types.tuple_type()
            self.cursor.expect("->")
        token = self.cursor.here
        type_ = (
            self.types.service()
            if self.cursor.sees("{")
            else self.scope.use(self.cursor.name(), token.offset)
        )
        return _Actor(type_, init_args, name, keyword.doc, token.offset, init_names)


def _imported(error: CandidError, text: str, path: Path, token: Token) -> CandidError:
    """Return the error of an imported file as one of the import: its message names the file and the place."""
    place = "" if error.offset is None else f":{place_in(text, error.offset)}"
    return CandidError(
        f"in {path.name}{place}: {error.message}", offset=token.offset, expected=error.expected
    )


def _service(scope: Scope, own: _Actor | None, imported: list[_Actor]) -> Service:
    actors = [*imported, *([own] if own else [])]
    methods: dict[str, Method] = {}
    for actor in actors:
        for method in _methods(actor):
            if method.name in methods:
                raise CandidError(f"the method {method.name!r} is declared twice", offset=actor.offset)
            methods[method.name] = method
    if not actors:
        return Service(types=scope.names, methods={})
    last = actors[-1]
    type_ = cast("ServiceType", resolve(last.type))
    if len(actors) > 1:
        ordered = sorted(methods.items(), key=lambda item: item[0].encode())
        type_ = ServiceType(tuple((name, m.func) for name, m in ordered), tuple(m.doc for _, m in ordered))
    return Service(scope.names, methods, last.init_args, type_, last.name, last.doc, last.init_names)


def _methods(actor: _Actor) -> list[Method]:
    type_ = resolve(actor.type)
    if not isinstance(type_, ServiceType):
        raise CandidError("the service's type is no service", offset=actor.offset)
    docs = type_.docs or ("",) * len(type_.methods)
    found: list[Method] = []
    for (name, method), doc in zip(type_.methods, docs, strict=True):
        func = resolve(method)
        if not isinstance(func, Func):
            raise CandidError(f"the type of the method {name!r} is no function", offset=actor.offset)
        found.append(Method(name, func, doc))
    return found
