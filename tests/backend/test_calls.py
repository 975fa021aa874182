"""What the blocking and the asynchronous client send, and what they make of replies: always the same."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.backend import AsyncBackend, Backend, UploadConfig, reference_did
from ic_harness import candid
from ic_harness.errors import BackendError, RejectError
from ic_harness.principal import Principal

CANISTER = "rrkah-fqaaa-aaaaa-aaaaq-cai"
METHODS = candid.parse(reference_did()).methods


class Agent:
    """Answers every call with one value, and remembers what was asked."""

    def __init__(self, method, value):
        self.reply = candid.encode([value], METHODS[method].return_types)
        self.asked = []

    def update(self, canister_id, method, arg):
        self.asked.append((canister_id, method, candid.decode(arg, METHODS[method].arg_types)))
        return self.reply

    query = update


class AsyncAgent(Agent):
    async def update(self, canister_id, method, arg):
        return super().update(canister_id, method, arg)

    query = update


def both(method, value, call):
    """Make one call by the blocking and by the asynchronous client."""
    agent, other = Agent(method, value), AsyncAgent(method, value)

    async def awaited():
        return await call(AsyncBackend(other, CANISTER))

    results = call(Backend(agent, CANISTER)), asyncio.run(awaited())
    assert agent.asked == other.asked
    return results, agent.asked


def test_ok_is_unwrapped():
    """A result's `Ok` is the value itself, and arguments arrive as Candid says."""
    results, asked = both(
        "uploads_begin", {"Ok": 7}, lambda backend: backend.uploads_begin("capsule_1", 3, "idem")
    )
    assert results == (7, 7)
    assert asked == [(Principal.from_text(CANISTER), "uploads_begin", ("capsule_1", 3, "idem"))]


def test_ok_without_a_value_is_none():
    """A result whose `Ok` is empty returns None."""
    results, _ = both("uploads_abort", {"Ok": None}, lambda backend: backend.uploads_abort(7))
    assert results == (None, None)


def test_what_is_no_result_comes_as_it_is():
    """A method without a result returns its model."""
    value = {"inline_max": 1, "chunk_size": 2, "inline_budget_per_capsule": 3}
    results, _ = both("upload_config", value, lambda backend: backend.upload_config())
    assert results == (UploadConfig(**value),) * 2


@pytest.mark.parametrize(
    ("error", "tag", "detail"),
    [
        ({"NotFound": None}, "NotFound", None),
        ({"InvalidArgument": "checksum_mismatch"}, "InvalidArgument", "checksum_mismatch"),
    ],
)
def test_err_is_raised(error, tag, detail):
    """A result's `Err` is a `BackendError` with tag, text, method and canister."""
    agent = Agent("uploads_finish", {"Err": error})
    with pytest.raises(BackendError) as caught:
        Backend(agent, CANISTER).uploads_finish(7, bytes(32), 1)
    assert (caught.value.tag, caught.value.detail) == (tag, detail)
    assert (caught.value.method, caught.value.canister) == ("uploads_finish", CANISTER)
    with pytest.raises(BackendError, match=tag):
        asyncio.run(
            AsyncBackend(AsyncAgent("uploads_finish", {"Err": error}), CANISTER).uploads_finish(7, b"", 1)
        )


def test_rejects_are_not_touched():
    """What the agent raises comes through."""

    class Rejecting:
        def query(self, canister_id, method, _arg):
            raise RejectError(5, "trapped", "IC0503", method=method, canister=str(canister_id))

        update = query

    with pytest.raises(RejectError, match="upload_config on rrkah"):
        Backend(Rejecting(), CANISTER).upload_config()
