"""Clients that wrap a client: every call of the protocols is forwarded, with its arguments, to its own method."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from ic_capsule.backend import AsyncBackend, Backend
from ic_capsule.uploads import (
    AsyncBackendCalls,
    AsyncForwardingClient,
    BackendCalls,
    ForwardingClient,
    ShieldedClient,
    ThreadedClient,
)
from ic_harness.principal import Principal

CANISTER = Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai")
CALLS = sorted(
    name for name, value in vars(BackendCalls).items() if inspect.isfunction(value) and name[0] != "_"
)


def arity(method):
    """How many arguments a method takes, besides the object."""
    return len(inspect.signature(method).parameters) - 1


class Echo:
    """A client whose methods return their name and arguments."""

    canister_id = CANISTER

    def __getattr__(self, name):
        return lambda *args: (name, args)


class AsyncEcho(Echo):
    """The asynchronous form."""

    def __getattr__(self, name):
        async def call(*args):
            return name, args

        return call


class Plain(ForwardingClient):
    """Forwards calls as they are."""

    def _call(self, name, method, /, *args, **named):
        found, seen = method(*args, **named)
        return found, seen, name


class AsyncPlain(AsyncForwardingClient):
    """The asynchronous form."""

    async def _call(self, name, method, /, *args, **named):
        found, seen = await method(*args, **named)
        return found, seen, name


def test_the_protocols_have_the_same_calls():
    """What one form can do the other can, with as many arguments, and so can the generated clients."""
    assert CALLS
    for name in CALLS:
        taken = arity(getattr(BackendCalls, name))
        assert inspect.iscoroutinefunction(getattr(AsyncBackendCalls, name))
        for client in (AsyncBackendCalls, Backend, AsyncBackend, Plain, AsyncPlain, ThreadedClient):
            assert arity(getattr(client, name)) == taken, (client, name)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_forwarded_to_its_own_method(name):
    """No line of the forwarding classes names another method, drops an argument or swaps two."""
    args = tuple(f"argument {number}" for number in range(arity(getattr(BackendCalls, name))))
    returned = None if name in NO_RESULT else (name, args)
    recorded = None if name in NO_RESULT else (name, args, name)
    assert getattr(Plain(Echo()), name)(*args) == recorded
    assert asyncio.run(getattr(AsyncPlain(AsyncEcho()), name)(*args)) == recorded
    assert asyncio.run(getattr(ShieldedClient(AsyncEcho()), name)(*args)) == returned
    assert asyncio.run(getattr(ThreadedClient(Echo()), name)(*args)) == returned


NO_RESULT = {"uploads_put_chunk", "uploads_abort", "memories_delete"}


@pytest.mark.parametrize("name", sorted(NO_RESULT))
def test_a_call_without_result_is_forwarded_too(name):
    """Calls that return None reach their own method with their arguments."""
    seen = []

    class Noting(Echo):
        def __getattr__(self, called):
            return lambda *args: seen.append((called, args))

    class AsyncNoting(Echo):
        def __getattr__(self, called):
            async def call(*args):
                seen.append((called, args))

            return call

    class Through(ForwardingClient):
        def _call(self, name, method, /, *args, **named):
            seen.append(name)
            return method(*args, **named)

    args = tuple(range(arity(getattr(BackendCalls, name))))
    getattr(Through(Noting()), name)(*args)
    asyncio.run(getattr(ThreadedClient(Noting()), name)(*args))
    asyncio.run(getattr(ShieldedClient(AsyncNoting()), name)(*args))
    assert seen == [name, (name, args), (name, args), (name, args)]


def test_the_canister_is_that_of_the_client():
    """Every wrapping client names the canister that is called."""
    clients: list[BackendCalls | AsyncBackendCalls] = [
        Plain(Echo()),
        AsyncPlain(AsyncEcho()),
        ShieldedClient(AsyncEcho()),
        ThreadedClient(Echo()),
    ]
    assert [client.canister_id for client in clients] == [CANISTER] * 4
