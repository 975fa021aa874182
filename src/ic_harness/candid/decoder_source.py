"""Python source that decodes one kind of message: the coercion relation as a code generator.

Theory of operation. A message brings its own types (the wire types of its header); a caller has the types
he expects. For one header and one tuple of expected types the way through the values is fixed but for
lengths, tags and options. So that way is written once as Python source, compiled, and kept (`decoding.py`);
a second message with the same header costs only its values.

- One function for each pair (wire record or variant, expected type); options and vectors stand inline.
  `d3(b, p, d, s)` takes the message, the position, the depth and the state, and returns the value and the
  new position.
- `k3(b, p, d, s)` skips a wire value whose type nobody expects, still checking it (UTF-8, tags, booleans).
- Reading past the end needs no test where Python raises by itself (`b[p]`, `unpack_from`); slices are tested.
- A *malformed* value raises, always. A *mismatch* (well formed, but not of the expected type) raises only
  outside options: inside one the specification turns the whole option into null. Such code is generated
  "soft": it skips what does not fit and sets `s[0]`; the option looks at the flag. So nothing is read
  twice, and time stays linear.
- `s[1]` is the quota for values without bytes (see `sizes.py`).
- Every line remembers the path of the value it reads (`.assets[{i4}]`), so that an error finds its path
  from the traceback at no cost before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ic_harness.candid.readers import MAX_DEPTH
from ic_harness.candid.skip_source import SkipWriter
from ic_harness.candid.subtyping import Subtypes
from ic_harness.candid.types import (
    EMPTY,
    INT,
    NAT,
    NAT8,
    NULL,
    RESERVED,
    STRUCT_CODES,
    Field,
    Func,
    Future,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    as_written,
    format_type,
    nullable,
    resolve,
)
from ic_harness.errors import CandidError

MAX_FUNCTIONS: Final = 4_000
"""Most pairs of types that one message may need; real ones need some hundred."""
MAX_LINES: Final = 200_000
_MAX_INLINE: Final = 6
"""Options and vectors inside each other that stand in one function; Python allows 20 nested blocks."""


@dataclass(frozen=True)
class Source:
    """Generated source and, for each of its lines, the path of the value read there."""

    text: str
    paths: list[str]
    names: dict[str, Any]


@dataclass(frozen=True)
class _Job:
    """A function that is called somewhere and still has to be written. `expected` None means skip."""

    name: str
    wire: Type
    expected: Type | None
    soft: bool


def generate(wire: Sequence[Type], expected: Sequence[Type]) -> Source:
    """Write the decoder for messages with argument types `wire` at the types `expected`.

    The source defines `decode(b, p, d, s)`, which returns the tuple of values.
    Raises `CandidError` when the types are too many to be honest.
    """
    writer = _Writer()
    writer.arguments(list(wire), list(expected))
    while writer.jobs:
        writer.function(writer.jobs.pop())
    return Source("\n".join(writer.lines) + "\n", writer.paths, writer.names)


class _Writer(SkipWriter):
    """Writes functions line by line; `soft` tells how a mismatch is met in the code being written."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[_Job] = []
        self.soft = False
        self.subtypes = Subtypes()
        self._functions: dict[tuple[int, int, bool], str] = {}
        self._keep: list[Type | None] = []
        self._inline: list[tuple[int, int]] = []

    @contextmanager
    def softly(self, soft: bool) -> Iterator[None]:  # noqa: FBT001 - the flag is the whole argument
        before, self.soft = self.soft, soft
        yield
        self.soft = before

    # Functions

    def arguments(self, wire: list[Type], expected: list[Type]) -> None:
        with self.block("def decode(b, p, d, s):"):
            results: list[str] = []
            for index, type_ in enumerate(wire):
                with self.at(f"args[{index}]"):
                    if index < len(expected):
                        results.append(self.value(type_, expected[index]))
                    else:
                        self.skip(type_)
            for index, missing in enumerate(expected[len(wire) :], len(wire)):
                with self.at(f"args[{index}]"):
                    results.append(self.missing(missing, "an argument is missing"))
            with self.block("if p != len(b):"):
                self.emit("fail(p, f'{len(b) - p} bytes are left over behind the last value')")
            self.emit(f"return ({''.join(f'{result}, ' for result in results)})")

    def missing(self, type_: Type, message: str) -> str:
        if not nullable(type_):
            self.emit(f"fail(p, {message!r}, {_short(type_)!r})")
        return "None"

    def call(self, wire: Type, expected: Type | None) -> str:
        """Name the function for a pair of types; have it written when it is new."""
        key = (id(wire), id(expected), self.soft and expected is not None)
        if key not in self._functions:
            if len(self._functions) >= MAX_FUNCTIONS:
                raise CandidError(f"the message's types need more than {MAX_FUNCTIONS} decoders")
            name = f"{'k' if expected is None else 'd'}{len(self._functions)}"
            self._functions[key] = name
            self._keep += [wire, expected]
            self.jobs.append(_Job(name, wire, expected, self.soft))
        return self._functions[key]

    def function(self, job: _Job) -> None:
        with self.block(f"def {job.name}(b, p, d, s):"), self.softly(job.soft):
            with self.block(f"if d > {MAX_DEPTH}:"):
                self.emit("fail_deep(p)")
            if job.expected is None:
                self.skip_body(job.wire)
            else:
                self.body(job.wire, job.expected)

    def body(self, wire: Type, expected: Type) -> None:
        match wire, expected:
            case Record(), Record():
                self.record(wire, expected)
            case Variant(), Variant():
                self.variant(wire, expected)
            case _:
                self._inline = [(id(wire), id(expected))]
                self.emit(f"return {self.inline(wire, expected)}, p")
                self._inline = []

    # Values at their expected type

    def value(self, wire: Type, expected: Type) -> str:  # noqa: PLR0911 - a return for each kind of type
        """Write code that reads a value; give the expression that holds it afterwards."""
        wire, expected = resolve(wire), resolve(expected)
        if expected is RESERVED or isinstance(expected, Future):
            self.skip(wire)
            return "None"
        if isinstance(expected, Opt) and not isinstance(wire, Opt):
            return self.as_option(wire, expected)
        match wire, expected:
            case (Opt(), Opt()) | (Vec(), Vec()):
                return self.composite(wire, expected)
            case (Record(), Record()) | (Variant(), Variant()):
                return self.called(wire, expected)
            case Prim(), Prim() if wire is expected or (wire is NAT and expected is INT):
                return self.primitive(wire)
            case (Func(), Func()) | (ServiceType(), ServiceType()) | (ServiceType(), Prim()):
                return self.reference(wire, expected)
            case _:
                return self.mismatch(wire, expected)

    def composite(self, wire: Type, expected: Type) -> str:
        """An option or vector: inline, unless it stands inside itself or too deep."""
        key = (id(wire), id(expected))
        if key in self._inline or len(self._inline) >= _MAX_INLINE:
            return self.called(wire, expected)
        self._inline.append(key)
        result = self.inline(wire, expected)
        self._inline.pop()
        return result

    def inline(self, wire: Type, expected: Type) -> str:
        match wire, expected:
            case Opt(), Opt():
                return self.option(wire, expected)
            case Vec(), Vec():
                return self.vector(wire, expected)
        return self.value(wire, expected)

    def called(self, wire: Type, expected: Type) -> str:
        result = self.fresh("v")
        self.emit(f"{result}, p = {self.call(wire, expected)}(b, p, d + 1, s)")
        return result

    def mismatch(self, wire: Type, expected: Type, message: str | None = None) -> str:
        if wire is EMPTY:
            self.skip(wire)
        elif self.soft:
            self.skip(wire)
            self.emit("s[0] = True")
        else:
            self.emit(f"fail(p, {message or f'found {_kind(wire)}'!r}, {_short(expected)!r})")
        return "None"

    def reference(self, wire: Type, expected: Type) -> str:
        if not self.subtypes.holds(wire, expected):
            return self.mismatch(wire, expected)
        result = self.fresh("v")
        reader = {Func: "read_func", ServiceType: "read_service"}.get(type(expected), "read_principal")
        self.emit(f"{result}, p = {reader}(b, p)")
        return result

    # Options

    def as_option(self, wire: Type, expected: Opt) -> str:
        """A wire type that is no option, at an option: the value itself, or null when it does not fit."""
        if wire is EMPTY:
            return self.mismatch(wire, expected)
        if wire is NULL or wire is RESERVED or isinstance(wire, Future):
            self.skip(wire)
            return "None"
        if _endless(expected):
            self.emit("fail(p, 'a value would have to stand in endlessly many options')")
            return "None"
        result = self.fresh("v")
        self.payload(wire, expected.inner, result)
        return result

    def option(self, wire: Opt, expected: Opt) -> str:
        result, tag = self.fresh("v"), self.fresh("t")
        self.emit(f"{tag} = b[p]", "p += 1")
        with self.block(f"if {tag} == 0:"):
            self.emit(f"{result} = None")
        with self.block(f"elif {tag} == 1:"):
            self.payload(wire.inner, expected.inner, result)
        with self.block("else:"):
            self.emit(f"fail(p - 1, f'{{{tag}}} is no tag of an option', '00 or 01')")
        return result

    def payload(self, wire: Type, expected: Type, result: str) -> None:
        """The value inside an option; null instead when it does not fit."""
        wrap = "Some({})" if nullable(expected) else "{}"
        if self.subtypes.holds(wire, expected):
            self.emit(f"{result} = {wrap.format(self.value(wire, expected))}")
            return
        saved = self.fresh("s")
        self.emit(f"{saved} = s[0]", "s[0] = False")
        with self.softly(soft=True):
            value = self.value(wire, expected)
        self.emit(f"{result} = None if s[0] else {wrap.format(value)}", f"s[0] = {saved}")

    # Vectors

    def vector(self, wire: Vec, expected: Vec) -> str:
        mine, theirs = resolve(wire.inner), resolve(expected.inner)
        result = self.fresh("v")
        n = self.number()
        if mine is theirs and isinstance(mine, Prim) and mine in STRUCT_CODES:
            self.packed(mine, n, result)
            return result
        self.announce(mine, n)
        self.emit(f"{result} = []")
        index = self.fresh("i")
        with self.block(f"for {index} in range({n}):", f"[{{{index}}}]"):
            self.emit(f"{result}.append({self.value(mine, theirs)})")
        if theirs is NAT8:
            # Only an empty vector of another type gets here with a value: Python sees a blob all the same.
            self.emit(f"{result} = b''")
        return result

    def packed(self, prim: Prim, n: str, result: str) -> None:
        """Numbers of a fixed size in one go; bytes as bytes."""
        size = self.sizes.least_bytes(prim)
        self.slice_end(n if size == 1 else f"{n} * {size}")
        code = STRUCT_CODES[prim]
        read = "bytes(b[p:q])" if prim is NAT8 else f"list(unpack_from(f'<{{{n}}}{code}', b, p))"
        self.emit(f"{result} = {read}", "p = q")

    # Records and variants

    def record(self, wire: Record, expected: Record) -> None:
        wanted = {f.id: f for f in expected.fields}
        here = {f.id for f in wire.fields}
        absent = [f for f in expected.fields if f.id not in here]
        refused = next((f for f in absent if not nullable(f.type)), None)
        if refused is not None:
            self.mismatch(wire, refused.type, f"the field {refused.key} is missing")
            self.emit("return None, p")
            return
        if cost := self.sizes.charge(wire, len(absent)):
            self.charge(str(cost))
        values = {f.id: "None" for f in absent}
        for f in wire.fields:
            target = wanted.get(f.id)
            with self.at(_segment(target or f)):
                if target is None:
                    self.skip(f.type)
                else:
                    values[f.id] = self.value(f.type, target.type)
        self.emit(f"return {_display(expected, values)}, p")

    def variant(self, wire: Variant, expected: Variant) -> None:
        wanted = {f.id: f for f in expected.fields}
        tag = self.number()
        if all(f.type is NULL and f.id in wanted and wanted[f.id].type is NULL for f in wire.fields):
            self.enumeration(tag, [wanted[f.id].key for f in wire.fields])
        else:
            for index, f in enumerate(wire.fields):
                with self.block(f"if {tag} == {index}:"):
                    self.case(f, wanted.get(f.id))
        self.emit(f"fail(p, f'case {{{tag}}} of a variant with {len(wire.fields)} cases')")

    def enumeration(self, tag: str, keys: list[str | int]) -> None:
        table = self.fresh("cases")
        self.names[table] = keys
        with self.block(f"if {tag} < {len(keys)}:"):
            self.emit(f"return {{{table}[{tag}]: None}}, p")

    def case(self, f: Field, target: Field | None) -> None:
        with self.at(_segment(target or f)):
            if target is not None:
                self.emit(f"return {{{target.key!r}: {self.value(f.type, target.type)}}}, p")
            elif self.soft or resolve(f.type) is EMPTY:
                self.skip(f.type)
                self.emit("s[0] = True", "return None, p")
            else:
                self.emit(f"fail(p, 'found the case {f.key}, which the expected variant does not have')")


def _endless(option: Opt) -> bool:
    """Whether an option holds an option holds an option … and never anything else."""
    seen: set[int] = set()
    current: Type = option
    while isinstance(current, Opt):
        if id(current) in seen:
            return True
        seen.add(id(current))
        current = resolve(current.inner)
    return False


def _segment(f: Field) -> str:
    return f".{f.key}".replace("{", "{{").replace("}", "}}")


def _display(expected: Record, values: dict[int, str]) -> str:
    if expected.is_tuple:
        return f"({''.join(f'{values[f.id]}, ' for f in expected.fields)})"
    return f"{{{', '.join(f'{f.key!r}: {values[f.id]}' for f in as_written(expected.fields))}}}"


def _kind(type_: Type) -> str:
    """A wire type for an error's text: it has no names, and may be as large as the message."""
    return type_.name if isinstance(type_, Prim) else f"a {type(type_).__name__.removesuffix('Type').lower()}"


def _short(type_: Type, limit: int = 80) -> str:
    """An expected type for an error's text."""
    text = format_type(type_)
    return text if len(text) <= limit else f"{text[: limit - 2]} …"
