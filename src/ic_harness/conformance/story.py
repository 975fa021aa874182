"""The story of a check: which calls led to the failure, told so that a canister developer can follow it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final

from ic_harness.errors import CallError

_SHOWN: Final = 40
_BEFORE: Final = 12
"""Calls that are shown before each violation when a check found several."""
_WIDTH: Final = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One call: who called which method with what, and what came of it."""

    caller: str
    method: str
    arguments: str
    outcome: str
    number: int = 0
    """Which call of the check it was, from 1."""

    def __str__(self) -> str:
        return f"{self.caller}: {self.method}({self.arguments}) -> {self.outcome}"


class Story:
    """The calls of a check, oldest first. Threads may share it."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._lock = Lock()

    def add(self, step: Step) -> None:
        """Record a call under the next number."""
        with self._lock:
            self._steps.append(replace(step, number=len(self._steps) + 1))

    @property
    def count(self) -> int:
        """How many calls were made so far."""
        return len(self._steps)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The last 40 calls, oldest first."""
        return tuple(self._steps[-_SHOWN:])

    def around(self, numbers: Collection[int]) -> tuple[Step, ...]:
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


class Recorded:
    """A client whose calls are told to a story; everything else is the client's own."""

    def __init__(self, client: Any, caller: str, story: Story) -> None:
        self._client = client
        self._caller = caller
        self._story = story

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
            try:
                result = method(*args, **named)
            except CallError as error:
                self._story.add(Step(self._caller, name, arguments, brief_text(error.message)))
                raise
            self._story.add(Step(self._caller, name, arguments, brief(result)))
            return result

        return call


def brief(value: Any) -> str:
    """Write a value for a story: blobs by length and first bytes, long texts cut."""
    if isinstance(value, bytes | bytearray | memoryview):
        start = bytes(value[:4]).hex()
        return f"{len(value)} bytes {start}…" if len(value) > 4 else f"bytes {start or 'none'}"
    return brief_text(repr(value))


def brief_text(text: str) -> str:
    """Cut a text that is too long for one line of a story."""
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
