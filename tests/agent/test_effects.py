"""The flow machine: replies and errors reach the place in the flow that asked for them, on both runners."""

import asyncio

import pytest

from ic_harness.agent import (
    Agent,
    AsyncAgent,
    AsyncCallableTransport,
    CallableTransport,
    Effect,
    Pause,
    Request,
    Response,
    Send,
    run,
    run_async,
)
from ic_harness.errors import RejectError, TransportError

REQUEST = Request("GET", "/api/v2/status")
RESPONSE = Response(200, {}, b"")


def run_awaited(flow, perform):
    """The asynchronous runner with the interface of the synchronous one."""

    async def awaited(effect):
        return perform(effect)

    return asyncio.run(run_async(flow, awaited))


both = pytest.mark.parametrize("runner", [run, run_awaited])


@both
def test_replies_reach_the_flow(runner):
    """A flow, also one inside another, resumes with the reply to its effect and returns its result."""

    def inner():
        return (yield from Send(REQUEST))

    def outer():
        first = yield from inner()
        nothing = yield from Pause(2.5)  # type: ignore[func-returns-value]  # that it is None is checked below
        return first, nothing

    seen = []

    def perform(effect):
        seen.append(effect)
        return RESPONSE if isinstance(effect, Send) else None

    assert runner(outer(), perform) == (RESPONSE, None)
    assert seen == [Send(REQUEST), Pause(2.5)]


@both
def test_errors_are_raised_in_the_flow(runner):
    """An error of the runner is raised where the effect was asked for, so that the flow may go on."""

    def flow():
        try:
            yield from Send(REQUEST)
        except TransportError as error:
            yield from Pause(1.0)
            return error.message
        raise AssertionError("no error")

    def perform(effect):
        if isinstance(effect, Send):
            raise TransportError("gone")

    assert runner(flow(), perform) == "gone"


@both
def test_errors_of_a_flow_leave_the_runner(runner):
    """What a flow raises, before or after an effect, is what the runner raises."""

    def flow():
        yield from Pause(1.0)
        raise RejectError(4, "no")

    with pytest.raises(RejectError, match="no"):
        runner(flow(), lambda _: None)


@both
@pytest.mark.parametrize("kind", [KeyboardInterrupt, TypeError])
def test_a_flow_is_closed_when_its_runner_is_interrupted(runner, kind):
    """Ctrl-C and bugs are no replies: the flow cannot catch them, and its cleanup has run when they arrive."""
    cleaned = []

    def flow():
        try:
            yield from Send(REQUEST)
        except Exception:
            cleaned.append("caught")
            raise
        finally:
            cleaned.append("closed")

    def perform(_effect):
        raise kind

    with pytest.raises(kind):
        runner(flow(), perform)
    assert cleaned == ["closed"]


def test_effects_of_others_run_on_the_same_machine():
    """A room with other effects than the agent's declares them, and runs its flows by the same runners."""

    class Answer(Effect[int]):
        """An effect with a number as its reply."""

    def flow():
        return (yield from Answer()) + 1

    assert run(flow(), lambda _: 41) == 42


def test_an_agent_performs_its_own_effects_only():
    """A flow with an effect that the agent does not know is a bug: no reply is invented for it."""

    def flow():
        return (yield from Effect())

    with pytest.raises(TypeError, match="cannot perform"):
        Agent(CallableTransport(lambda _: RESPONSE)).run(flow())

    async def answer(_request):
        return RESPONSE

    with pytest.raises(TypeError, match="cannot perform"):
        asyncio.run(AsyncAgent(AsyncCallableTransport(answer)).run(flow()))
