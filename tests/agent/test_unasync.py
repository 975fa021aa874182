"""The asynchronous twins come from the synchronous sources, and behave the same."""

import ast
import asyncio
from pathlib import Path

import pytest

import ic_harness.agent
from ic_harness.agent import (
    AsyncAgent,
    AsyncCallableTransport,
    Response,
    management_codegen,
    unasync,
)
from ic_harness.errors import RejectError, TransportError
from ic_harness.protocol import AnonymousIdentity

from .standin import CANISTER, METADATA, ROOT, StandIn, times

FOLDER = Path(ic_harness.agent.__file__).parent


@pytest.mark.parametrize(("source", "target"), unasync.TWINS.items())
def test_twins_are_fresh(source, target):
    """The committed file is what the generator makes, up to line breaks."""
    made = unasync.asynchronous((FOLDER / source).read_text(), source)
    committed = (FOLDER / target).read_text()
    assert committed.splitlines()[0] == made.splitlines()[0]
    assert ast.dump(ast.parse(committed)) == ast.dump(ast.parse(made))


def test_generated_management_is_fresh():
    """Types and methods are what the generator makes of `protocol/management.did`, up to line breaks."""
    made = {
        "management_types.py": management_codegen.types_module(),
        "management_methods.py": management_codegen.methods_module(),
    }
    for name, source in made.items():
        committed = (FOLDER / name).read_text()
        assert ast.dump(ast.parse(committed)) == ast.dump(ast.parse(source)), name


def agent_on(net):
    """An asynchronous agent on a stand-in."""

    async def answer(request):
        return net(request)

    async def sleep(seconds):
        net.sleep(seconds)

    return AsyncAgent(
        AsyncCallableTransport(answer), clock=lambda: net.now, sleep=sleep, root_key=ROOT.public_der
    )


def test_the_asynchronous_agent():
    """Update with polling, query, metadata and status give what the synchronous agent gives."""

    async def scenario():
        async with agent_on(StandIn(polls=3)) as agent:
            assert agent.principal == AnonymousIdentity().principal
            return (
                await agent.update(CANISTER, "greet", b""),
                await agent.query(CANISTER, "get", b""),
                await agent.read_metadata(CANISTER, "candid:service"),
                (await agent.status())["replica_health_status"],
            )

    assert asyncio.run(scenario()) == (b"reply", b"answer", METADATA, "healthy")


def test_errors_of_the_asynchronous_agent():
    """Rejects and broken networks are the same errors; hiccups are retried."""

    async def scenario():
        rejecting = StandIn(direct={"reject_code": 3, "reject_message": "no"})
        with pytest.raises(RejectError):
            await agent_on(rejecting).update(CANISTER, "greet", b"")
        hiccup = StandIn(faults=[times(1, lambda _: Response(503, {}, b""))])
        assert await agent_on(hiccup).update(CANISTER, "greet", b"") == b"reply"

        def lost(_):
            raise TransportError("gone")

        with pytest.raises(TransportError):
            await agent_on(StandIn(faults=[lost])).query(CANISTER, "get", b"")

    asyncio.run(scenario())
