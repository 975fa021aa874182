"""The two drivers: they run a flow against a transport, synchronously or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ic_harness.agent.concurrency import AsyncLimiter, Limiter
from ic_harness.agent.effects import Flow, Send
from ic_harness.agent.transport import AsyncTransport, Response, Transport
from ic_harness.errors import TransportError

T = TypeVar("T")


def run(flow: Flow[T], transport: Transport, limiter: Limiter, sleep: Callable[[float], None]) -> T:
    """Run a flow to its end in this thread."""

    def perform(step: Any) -> Response | None:
        if not isinstance(step, Send):
            sleep(step.seconds)
            return None
        with limiter.acquire() as outcome:
            response = transport.send(step.request)
            outcome.status = response.status
            return response

    try:
        step = next(flow)
        while True:
            try:
                result = perform(step)
            except TransportError as problem:
                step = flow.throw(problem)
            else:
                step = flow.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        flow.close()


async def run_async(
    flow: Flow[T], transport: AsyncTransport, limiter: AsyncLimiter, sleep: Callable[[float], Awaitable[None]]
) -> T:
    """Run a flow to its end in this task."""

    async def perform(step: Any) -> Response | None:
        if not isinstance(step, Send):
            await sleep(step.seconds)
            return None
        async with limiter.acquire() as outcome:
            response = await transport.send(step.request)
            outcome.status = response.status
            return response

    try:
        step = next(flow)
        while True:
            try:
                result = await perform(step)
            except TransportError as problem:
                step = flow.throw(problem)
            else:
                step = flow.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        flow.close()
