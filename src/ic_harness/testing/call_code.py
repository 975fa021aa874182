"""Writes the calls of a check as Python code that makes them again.

Arguments are written in full. What an earlier call returned (ids, locators, tokens) becomes a variable, because
another run gets other ones; bytes of `content` are written as the expression that generates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import field, is_dataclass
from dataclasses import fields as dataclass_fields
from enum import Enum
from typing import Any, Final, Protocol

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

_DIGEST: Final = 32
_LITERAL_BYTES: Final = 2048
_ID_LENGTH: Final = 5
"""Characters from which on a text in a result counts as an id."""
_ROWS: Final = 20
"""Items of a list in a result that are searched for ids; later items come from an earlier call."""
_SESSION_FIRST: Final = frozenset({"uploads_put_chunk", "uploads_finish", "uploads_abort", "uploads_status"})
"""Methods whose first argument is a session, which may be a small number."""

_FIRST_OF_CALL: Final = 2
"""Where the arguments of `Stage.call` begin, after method and types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One recorded call: `number` as in its `CallRecord`, `leaves` the ids in its result by their path.

    `caller` is empty for actions of the check's context, such as an upgrade. Calls with the same `together` were
    made in the same round (`how` is `in_one_round`) or at once (`at_once`).
    """

    number: int
    caller: str
    method: str
    args: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    leaves: Mapping[str | int, str] = field(default_factory=dict)
    together: int = 0
    how: str = ""


class HasBytes(Protocol):
    """Bytes with their SHA-256."""

    @property
    def data(self) -> bytes:
        """The bytes."""

    @property
    def sha256(self) -> bytes:
        """The digest, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The bytes that `content(size, seed)` generated."""

    size: int
    seed: object
    content: HasBytes

    def __str__(self) -> str:
        seed = self.seed if type(self.seed) is int else f"{self.seed}"  # as `content` reads it
        return f"content({self.size})" if seed == 0 else f"content({self.size}, {seed!r})"


_SAMPLES: ContextVar[list[Sample] | None] = ContextVar("samples", default=None)


@contextmanager
def sampling() -> Iterator[list[Sample]]:
    """Collect the bytes that `content` generates in this thread during the block."""
    samples: list[Sample] = []
    token = _SAMPLES.set(samples)
    try:
        yield samples
    finally:
        _SAMPLES.reset(token)


def remember(size: int, seed: object, content: HasBytes) -> None:
    """Collect a result of `content`, where a check is being recorded."""
    samples = _SAMPLES.get()
    if samples is not None:
        samples.append(Sample(size, seed, content))


class UnwritableError(Exception):
    """The calls cannot be written as code: they carry bytes that no expression generates."""


def leaves(result: Any, path: str = "") -> dict[str | int, str]:
    """Return the ids in a result, each with the expression that leads to it; the first of equal ones."""
    if isinstance(result, str) and not isinstance(result, Enum):
        return {result: path} if len(result) >= _ID_LENGTH else {}
    if isinstance(result, int) and not isinstance(result, bool) and not path:
        return {result: ""}
    found: dict[str | int, str] = {}
    for name, value in _members(result):
        for leaf, place in leaves(value, f"{path}{name}").items():
            if isinstance(leaf, str):
                found.setdefault(leaf, place)
    return found


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(value[:_ROWS]))
    elif fields := getattr(type(value), "model_fields", None):
        yield from ((f".{name}", getattr(value, name)) for name in fields)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from ((f".{it.name}", getattr(value, it.name)) for it in dataclass_fields(value))


class CallWriter:
    """Writes the calls of one check; `names` are the Python names that the code has to import from the backend."""

    def __init__(self, samples: Iterable[Sample], principals: Mapping[Principal, str]) -> None:
        self._samples = list(samples)
        self._principals = principals
        self._known: dict[str | int, str] = {}
        self._literal: set[str] = set()
        self._used: set[int] = set()
        self.names: set[str] = set()

    def lines(self, calls: Sequence[RecordedCall]) -> list[tuple[int, str]]:
        """Return one statement for each call, or group of calls that were made together, with its last number.

        Raises `UnwritableError` when a call carries bytes that no expression generates.
        """
        groups: list[list[RecordedCall]] = []
        for call in calls:
            if groups and call.together and groups[-1][0].together == call.together:
                groups[-1].append(call)
            else:
                groups.append([call])
        written = [(group, [self._call(call) for call in group]) for group in groups]
        return [(group[-1].number, self._statement(group, texts)) for group, texts in written]

    def _statement(self, group: list[RecordedCall], texts: list[str]) -> str:
        numbers = [call.number for call in group]
        if len(group) == 1 and not group[0].together:
            return f"r{numbers[0]} = {texts[0]}" if numbers[0] in self._used else texts[0]
        inner = ", ".join(f"lambda: {text}" for text in texts)
        call = f"stage.{group[0].how}([{inner}])"
        comma = "," if len(numbers) == 1 else ""
        return f"{', '.join(f'r{number}' for number in numbers)}{comma} = {call}"

    def _call(self, call: RecordedCall) -> str:
        arguments = [self._value(item, call, index) for index, item in enumerate(call.args)]
        arguments += [f"{name}={self._value(item, call)}" for name, item in call.named.items()]
        for leaf, path in call.leaves.items():
            if leaf not in self._literal:
                self._known.setdefault(leaf, f"r{call.number}{path}")
        who = call.caller.replace("-", "_") or "stage"
        return f"{who}.{call.method}({', '.join(arguments)})"

    def _value(self, value: Any, call: RecordedCall, index: int = -1) -> str:
        if isinstance(value, Enum):
            return self._name(f"{type(value).__name__}.{value.name}")
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(bytes(value))
        if value is None or isinstance(value, int | float):
            return self._variable(value) if _is_session(value, call, index, self._known) else repr(value)
        return self._compound(value, call)

    def _compound(self, value: Any, call: RecordedCall) -> str:
        if isinstance(value, Principal):
            who = self._principals.get(value)
            return f"stage.client({who!r}).principal" if who else f"Principal.from_text({str(value)!r})"
        if isinstance(value, list | tuple):
            items = ", ".join(self._value(item, call) for item in value)
            return f"[{items}]" if isinstance(value, list) else f"({items},)"
        return self._record(value, call)

    def _record(self, value: Any, call: RecordedCall) -> str:
        members = [(name[1:], item) for name, item in _members(value) if item is not None]
        if not members and not getattr(type(value), "model_fields", None) and not is_dataclass(value):
            return repr(value)
        inner = ", ".join(f"{name}={self._value(item, call)}" for name, item in members)
        return f"{self._name(type(value).__name__)}({inner})"

    def _name(self, text: str) -> str:
        self.names.add(text.partition(".")[0])
        return text

    def _variable(self, leaf: Any) -> str:
        place = self._known[leaf]
        self._used.add(int("".join(sign for sign in place[1:].partition(".")[0].partition("[")[0])))
        return place

    def _text(self, value: str) -> str:
        if value in self._known:
            return self._variable(value)
        inside = [leaf for leaf in self._known if isinstance(leaf, str) and leaf in value]
        if not inside:
            self._literal.add(value)
            return repr(value)
        longest = max(inside, key=len)
        before, _, after = value.partition(longest)
        parts = [self._text(part) for part in (before, after)]
        pieces = [parts[0] if before else "", self._variable(longest), parts[1] if after else ""]
        return " + ".join(filter(None, pieces))

    def _bytes(self, value: bytes) -> str:
        for sample in reversed(self._samples):
            if len(value) == _DIGEST and value == sample.content.sha256:
                return f"{sample}.sha256"
            if len(value) > _ID_LENGTH and (found := _cut(value, sample)):
                return found
        if not any(value):
            return f"bytes({len(value)})" if value else "b''"
        if len(value) > _LITERAL_BYTES:
            raise UnwritableError(f"{len(value)} bytes")
        return repr(value)


def _is_session(value: Any, call: RecordedCall, index: int, known: Mapping[str | int, str]) -> bool:
    """Whether a number is the session argument of the call, and was returned by an earlier call."""
    first = call.method in _SESSION_FIRST and index == 0
    return (first or (call.method == "call" and index == _FIRST_OF_CALL)) and value in known


def _cut(value: bytes, sample: Sample) -> str:
    """Write bytes as a slice of a sample, or as a sample with one byte more; empty when they are neither."""
    data = sample.content.data
    if value == data:
        return f"{sample}.data"
    start = data.find(value)
    if start >= 0:
        return f"{sample}.data[{start}:{start + len(value)}]"
    if value[:-1] == data:
        return f"{sample}.data + {value[-1:]!r}"
    return ""
