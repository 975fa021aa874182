"""The steps of a sequence: a call, an upgrade, or time that passes."""

from __future__ import annotations

from typing import Any, TypeAlias

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.call_log import brief


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `method` with Python values as arguments; `caller` is a name of `Subject.callers`."""

    caller: str
    method: str
    args: tuple[Any, ...]
    is_query: bool

    def __str__(self) -> str:
        return f"{self.caller}: {self.method}({', '.join(map(brief, self.args))})"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade to the module under test."""

    def __str__(self) -> str:
        return "upgrade"


@dataclass(frozen=True, slots=True)
class Wait:
    """Time that passes; due timers run."""

    seconds: int

    def __str__(self) -> str:
        return f"{self.seconds} s pass"


Step: TypeAlias = Call | Upgrade | Wait
