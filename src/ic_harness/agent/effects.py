"""The sans-I/O machine: flows ask for effects, runners perform them. The only one in both packages.

A *flow* is a generator that does no I/O itself. `reply = yield from Send(request)` suspends it, hands the effect to
the runner, and resumes with the reply, whose type the effect declares. An error of this package that the runner
meets while it performs an effect is raised at that place in the flow.

    flow ── effect ─▶ run / run_async ── perform(effect) ─▶ transport, clock, another client
         ◀─ reply or error ─┘

The two runners differ in `await` only; tests may also step a flow by hand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeAlias, TypeVar

from ic_harness.agent.transport import Request, Response
from ic_harness.errors import HarnessError
from ic_harness.lazy_dataclass import dataclass

T = TypeVar("T")
ReplyT_co = TypeVar("ReplyT_co", covariant=True)


class Effect(Generic[ReplyT_co]):
    """Something that a flow asks its runner for; the reply is of the type in brackets."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, ReplyT_co]:
        """Suspend the flow until the runner has performed this; `yield from` returns the reply."""
        reply: ReplyT_co = yield self
        return reply


@dataclass(frozen=True, slots=True)
class Send(Effect[Response]):
    """Exchange a request for its response. Raises `TransportError` in the flow."""

    request: Request


@dataclass(frozen=True, slots=True)
class Pause(Effect[None]):
    """Wait so many seconds."""

    seconds: float


Flow: TypeAlias = Generator[Effect[Any], Any, T]
"""A flow with the result `T`."""


def run(flow: Flow[T], perform: Callable[[Effect[Any]], Any]) -> T:
    """Run a flow to its end in this thread; `perform` returns the reply to an effect, or raises."""
    try:
        effect = next(flow)
        while True:
            try:
                reply = perform(effect)
            except HarnessError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


async def run_async(flow: Flow[T], perform: Callable[[Effect[Any]], Awaitable[Any]]) -> T:
    """Run a flow to its end in this task; `perform` is awaited for the reply to an effect."""
    try:
        effect = next(flow)
        while True:
            try:
                reply = await perform(effect)
            except HarnessError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()
