"""The call log of a check: the calls that led to a failure, written for a canister developer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from ic_harness.errors import CallError, HarnessError
from ic_harness.lazy_dataclass import dataclass

from .call_code import RecordedCall, leaves

_SHOWN: Final = 40
_BEFORE: Final = 12
"""Calls shown before each violation when a check found several."""
_WIDTH: Final = 60
_WRITABLE: Final = 150
"""The most calls for which reproduction code is written."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call: caller, method, arguments as text, and outcome."""

    caller: str
    method: str
    arguments: str
    outcome: str
    number: int = 0
    """The number of the call within its check, from 1."""

    def __str__(self) -> str:
        return f"{self.caller}: {self.method}({self.arguments}) -> {self.outcome}"


class CallLog:
    """The calls of a check, oldest first. Threads may share it."""

    def __init__(self) -> None:
        self._steps: list[CallRecord] = []
        self._lock = Lock()
        self._groups = self._group = 0
        self._how = ""
        self.calls: list[RecordedCall] = []
        """The first calls in full, as far as they can be made again one by one."""

    def add(self, step: CallRecord, call: RecordedCall | None = None) -> None:
        """Record a call under the next number; `call` has its arguments and what it returned."""
        with self._lock:
            number = len(self._steps) + 1
            self._steps.append(replace(step, number=number))
            if call is not None and number <= _WRITABLE:
                self.calls.append(replace(call, number=number, together=self._group, how=self._how))

    @contextmanager
    def together(self, how: str) -> Iterator[None]:
        """Mark the calls of the block as made together, by the method `how` of the context."""
        self._groups += 1
        self._group, self._how = self._groups, how
        try:
            yield
        finally:
            self._group, self._how = 0, ""

    def written_out(self, until: int) -> list[RecordedCall] | None:
        """Return the calls up to number `until` with all their arguments; None when there are too many."""
        return None if until > _WRITABLE else [call for call in self.calls if call.number <= until]

    @property
    def count(self) -> int:
        """How many calls were made so far."""
        return len(self._steps)

    @property
    def steps(self) -> tuple[CallRecord, ...]:
        """The last 40 calls, oldest first."""
        return tuple(self._steps[-_SHOWN:])

    def around(self, numbers: Collection[int]) -> tuple[CallRecord, ...]:
        """Return the calls that led to each of the calls with these numbers; without any, the last 40."""
        if not numbers:
            return self.steps
        before = _BEFORE if len(set(numbers)) > 1 else _SHOWN
        wanted = sorted({n for number in numbers for n in range(max(1, number - before + 1), number + 1)})
        return tuple(self._steps[number - 1] for number in wanted)

    def __str__(self) -> str:
        left_out = self.count - len(self.steps)
        head = [f"… {left_out} earlier calls …"] if left_out else []
        return "\n".join([*head, *map(str, self.steps)])


class RecordingClient:
    """A proxy of a client that records its calls in a `CallLog`."""

    def __init__(self, client: Any, caller: str, log: CallLog) -> None:
        self._client = client
        self._caller = caller
        self._call_log = log

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name.startswith("_") or not callable(method):
            return method
        return self._recorded(name, method)

    def _recorded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            arguments = ", ".join(
                [*map(brief, args), *(f"{key}={brief(value)}" for key, value in named.items())]
            )
            recorded = RecordedCall(number=0, caller=self._caller, method=name, args=args, named=named)
            try:
                result = method(*args, **named)
            except HarnessError as error:
                told = error.message if isinstance(error, CallError) else str(error)
                self._call_log.add(CallRecord(self._caller, name, arguments, brief_text(told)), recorded)
                raise
            returned = recorded
            if self._call_log.count < _WRITABLE:
                returned = replace(recorded, leaves=leaves(result))
            self._call_log.add(CallRecord(self._caller, name, arguments, brief(result)), returned)
            return result

        return call


def brief(value: Any) -> str:
    """Return a value in one short line: blobs by length and first bytes, long texts cut."""
    if isinstance(value, bytes | bytearray | memoryview):
        start = bytes(value[:4]).hex()
        return f"{len(value)} bytes {start}…" if len(value) > 4 else f"bytes {start or 'none'}"
    return brief_text(_start(value))


def _start(value: Any) -> str:
    """Return `repr(value)`, or its beginning of more than one line: a long list is not written whole."""
    if type(value) is list:
        return _joined("[", (_start(item) for item in value), "]")
    if fields := getattr(type(value), "model_fields", None):
        parts = (f"{name}={_start(getattr(value, name))}" for name in fields)
        return _joined(f"{type(value).__name__}(", parts, ")")
    if isinstance(value, bytes):
        return repr(value[: _WIDTH + 1])
    return repr(value)


def _joined(head: str, parts: Iterable[str], tail: str) -> str:
    text, comma = head, ""
    for part in parts:
        text += comma + part
        if len(text) > _WIDTH:
            return text
        comma = ", "
    return text + tail


def brief_text(text: str) -> str:
    """Cut a text that is too long for one line of the log."""
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
