"""Readers that decode one kind of message: the coercion relation as closures.

Theory of operation. A message brings its own types (the wire types of its header); a caller has the types that it
expects. For one header and one tuple of expected types decoding is fixed but for lengths, tags
and options. `Readers` follows the two types in parallel and makes a reader for each pair; `decoding.py` keeps the
readers, so that a second message with the same header costs only its values.

- A composite's reader is a closure over the readers of its parts. It is registered before those are made, so that a
  recursive type finds its own reader, and the closure's cell is filled afterwards.
- A *malformed* value always raises. A *mismatch* (well formed, but not of the expected type) raises only outside
  options: inside one the specification turns the whole option into null. Readers made there are "soft": they skip
  what does not fit and set `state.mismatch`, which the option looks at. So no byte is read twice, and time stays
  linear.
- A value that is not expected is skipped, and still validated (`skipping.py`).
- Values without bytes are charged to `state.quota` (`sizes.py`).
- Composites record the path of an error while it propagates (`State.locate`), which costs nothing before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ic_harness.candid.composite_readers import Element, Part, record_reader, vector_reader
from ic_harness.candid.leb128 import read_length
from ic_harness.candid.primitive_readers import (
    CASE,
    MALFORMED,
    MAX_DEPTH,
    OTHER,
    PRIMITIVE_READERS,
    PRIMITIVE_STEPS,
    SKIP,
    Data,
    Reader,
    State,
    fail,
    fail_deep,
    fail_tag,
    numbers_reader,
    read_blob,
    read_func,
    read_null,
    read_principal,
    read_service,
)
from ic_harness.candid.references import Some
from ic_harness.candid.skipping import Skippers
from ic_harness.candid.subtyping import SubtypeCache
from ic_harness.candid.types import (
    EMPTY,
    INT,
    NAT,
    NAT8,
    NULL,
    RESERVED,
    STRUCT_CODES,
    Func,
    Future,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    format_type,
    nullable,
    resolve,
)


def arguments_reader(wire: Sequence[Type], expected: Sequence[Type]) -> Reader:
    """Return the reader for the arguments of messages with types `wire`, at the types `expected`: returns a tuple.

    Raises `CandidError` when the types are too many for a real message.
    """
    readers = Readers()
    parts = [
        readers.reader(type_, expected[index], soft=False)
        if index < len(expected)
        else readers.unexpected(type_)
        for index, type_ in enumerate(wire)
    ]
    parts += [_missing_reader(type_) for type_ in expected[len(wire) :]]
    count = len(expected)

    def read(data: Data, pos: int, depth: int, state: State) -> tuple[tuple[Any, ...], int]:
        values: list[Any] = []
        try:
            for read_part in parts:
                value, pos = read_part(data, pos, depth, state)
                values.append(value)
        except MALFORMED:
            state.locate(f"args[{len(values)}]", pos)
            raise
        return tuple(values[:count]), pos

    return read


def _missing_reader(expected: Type) -> Reader:
    """Return the reader for an expected argument that the message does not have."""
    return read_null if nullable(expected) else _failing_reader("an argument is missing", expected)


def _failing_reader(message: str, expected: Type | None = None) -> Reader:
    """Return the reader for a value that cannot be read at its expected type."""
    wanted = None if expected is None else _short(expected)

    def read(_data: Data, pos: int, _depth: int, _state: State) -> tuple[Any, int]:
        fail(pos, message, wanted)

    return read


class Readers:
    """Makes the readers for pairs of a wire type and an expected type; each pair has one."""

    def __init__(self) -> None:
        self._skippers = Skippers()
        self._sizes = self._skippers.sizes
        self._subtypes = SubtypeCache()
        self._readers: dict[tuple[int, int, bool], Reader] = {}
        self._steps = dict(PRIMITIVE_STEPS)

    def reader(self, wire: Type, expected: Type, *, soft: bool) -> Reader:
        """Return the reader for values of `wire` at `expected`; `soft` inside an option whose value may not fit."""
        self._skippers.count()
        wire, expected = resolve(wire), resolve(expected)
        if isinstance(wire, Prim) and (wire is expected or (wire is NAT and expected is INT)):
            return PRIMITIVE_READERS[wire]
        key = (id(wire), id(expected), soft)
        found = self._readers.get(key)
        if found is None:
            found = self._readers[key] = self._make(key, wire, expected)
        return found

    def _make(self, key: tuple[int, int, bool], wire: Type, expected: Type) -> Reader:  # noqa: PLR0911 - by kind
        soft = key[2]
        if expected is RESERVED or isinstance(expected, Future):
            return self.unexpected(wire)
        match wire, expected:
            case Opt(), Opt():
                return self._option(key, wire, expected)
            case _, Opt():
                return self._as_option(wire, expected)
            case Vec(), Vec():
                return self._vector(key, wire, expected)
            case Record(), Record():
                return self._record(key, wire, expected)
            case Variant(), Variant():
                return self._variant(key, wire, expected)
            case (Func(), Func()) | (ServiceType(), ServiceType() | Prim()):
                if self._subtypes.holds(wire, expected):
                    return _reference_reader(expected)
        return self._mismatch(wire, expected, f"found {_kind(wire)}", soft=soft)

    def unexpected(self, wire: Type) -> Reader:
        """Return the reader for a value that is not expected: it skips the value and returns None."""
        skip = self._skippers.skipper(wire)

        def read(data: Data, pos: int, depth: int, state: State) -> tuple[None, int]:
            return None, skip(data, pos, depth, state)

        return read

    def _mismatch(self, wire: Type, expected: Type | None, message: str, *, soft: bool) -> Reader:
        """Return the reader for a value that does not fit: inside an option it sets `mismatch`, elsewhere it raises."""
        if wire is EMPTY:
            return self.unexpected(wire)
        if not soft:
            return _failing_reader(message, expected)
        skip = self._skippers.skipper(wire)

        def read(data: Data, pos: int, depth: int, state: State) -> tuple[None, int]:
            state.mismatch = True
            return None, skip(data, pos, depth, state)

        return read

    # Options

    def _as_option(self, wire: Type, expected: Opt) -> Reader:
        """A wire type that is no option, at an option: the value itself, or null when it does not fit."""
        if wire is EMPTY or wire is NULL or wire is RESERVED or isinstance(wire, Future):
            return self.unexpected(wire)
        if _endless(expected):
            return _failing_reader("a value would have to stand in endlessly many options")
        return self._payload(wire, expected.inner)

    def _option(self, key: tuple[int, int, bool], wire: Opt, expected: Opt) -> Reader:
        def read(data: Data, pos: int, depth: int, state: State) -> tuple[Any, int]:
            tag = data[pos]
            if tag == 0:
                return None, pos + 1
            if tag != 1:
                fail_tag(pos, tag)
            if depth > MAX_DEPTH:
                fail_deep(pos)
            return read_inner(data, pos + 1, depth + 1, state)

        self._readers[key] = read
        read_inner = self._payload(wire.inner, expected.inner)
        return read

    def _payload(self, wire: Type, expected: Type) -> Reader:
        """Return the reader for the value inside an option; returns None where it does not fit."""
        fits = self._subtypes.holds(wire, expected)
        read_value = self.reader(wire, expected, soft=not fits)
        wrapped = nullable(expected)
        if fits and not wrapped:
            return read_value

        def read(data: Data, pos: int, depth: int, state: State) -> tuple[Any, int]:
            outer, state.mismatch = state.mismatch, False
            value, pos = read_value(data, pos, depth, state)
            mismatch, state.mismatch = state.mismatch, outer
            if mismatch:
                return None, pos
            return Some(value) if wrapped else value, pos

        return read

    # Vectors

    def _vector(self, key: tuple[int, int, bool], wire: Vec, expected: Vec) -> Reader:
        mine, theirs = resolve(wire.inner), resolve(expected.inner)
        if mine is theirs and isinstance(mine, Prim) and mine in STRUCT_CODES:
            return read_blob if mine is NAT8 else numbers_reader(mine)
        element: list[Element] = []
        least, cost = self._sizes.least_bytes(mine), self._sizes.charge(mine)
        read = self._readers[key] = vector_reader(element, least, cost, blob=theirs is NAT8)
        read_element = self.reader(mine, theirs, soft=key[2])
        element.append((*self._steps.get(read_element, OTHER), read_element))
        return read

    # Records and variants

    def _record(self, key: tuple[int, int, bool], wire: Record, expected: Record) -> Reader:
        soft = key[2]
        present = {f.id for f in wire.fields}
        absent = [f for f in expected.fields if f.id not in present]
        refused = next((f for f in absent if not nullable(f.type)), None)
        if refused is not None:
            return self._mismatch(wire, refused.type, f"the field {refused.key} is missing", soft=soft)
        parts: list[Part] = []
        read = record_reader(expected, parts, self._sizes.charge(wire, len(absent)))
        self._readers[key] = read
        wanted = {f.id: f for f in expected.fields}
        for f in wire.fields:
            target = wanted.get(f.id)
            if target is None:
                parts.append((f.key, False, SKIP, self._skippers.skipper(f.type), read_null))
                continue
            mine, theirs = resolve(f.type), resolve(target.type)
            optional = isinstance(mine, Opt) and isinstance(theirs, Opt)
            if isinstance(mine, Opt) and isinstance(theirs, Opt):
                read_field = self._payload(mine.inner, theirs.inner)
            else:
                read_field = self.reader(mine, theirs, soft=soft)
            parts.append((target.key, optional, *self._steps.get(read_field, OTHER), read_field))
        return read

    def _variant(self, key: tuple[int, int, bool], wire: Variant, expected: Variant) -> Reader:
        cases: list[tuple[str | int, Reader]] = []

        def read(data: Data, pos: int, depth: int, state: State) -> tuple[Any, int]:
            if depth > MAX_DEPTH:
                fail_deep(pos)
            case, start = data[pos], pos + 1
            if case > 127:
                case, start = read_length(data, pos)
            if case >= len(cases):
                fail(pos, f"case {case} of a variant with {len(cases)} cases")
            name, read_payload = cases[case]
            if read_payload is read_null:
                return {name: None}, start
            try:
                value, end = read_payload(data, start, depth + 1, state)
            except MALFORMED:
                state.locate(f".{name}", start)
                raise
            return {name: value}, end

        self._readers[key] = read
        wanted = {f.id: f for f in expected.fields}
        for f in wire.fields:
            target = wanted.get(f.id)
            if target is None:
                message = f"found the case {f.key}, which the expected variant does not have"
                cases.append((f.key, self._mismatch(resolve(f.type), None, message, soft=key[2])))
            else:
                cases.append((target.key, self.reader(f.type, target.type, soft=key[2])))
        if all(read_payload is read_null for _, read_payload in cases):
            self._steps[read] = CASE, tuple(name for name, _ in cases[:128])
        return read


def _reference_reader(expected: Type) -> Reader:
    """Return the reader for a reference that fits its expected type."""
    if isinstance(expected, Func):
        return read_func
    return read_service if isinstance(expected, ServiceType) else read_principal


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


def _kind(type_: Type) -> str:
    """A wire type for an error's text: it has no names, and may be as large as the message."""
    return type_.name if isinstance(type_, Prim) else f"a {type(type_).__name__.removesuffix('Type').lower()}"


def _short(type_: Type, limit: int = 80) -> str:
    """An expected type for an error's text."""
    text = format_type(type_)
    return text if len(text) <= limit else f"{text[: limit - 2]} …"
