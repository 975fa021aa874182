"""Ten thousand calls over real connections: nothing stays behind in the client."""

import asyncio
import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ic_capsule.backend import reference_wasm
from ic_harness.agent import AsyncAgent, AsyncHttpTransport
from ic_harness.networks import connect
from ic_harness.protocol import Ed25519Identity
from tests.amounts import amount

FDS = Path("/proc/self/fd")
IN_FLIGHT = 64
CALLS = amount(3_000, thorough=10_000)


@pytest.fixture
def url(tmp_path):
    """A replica in a process of its own, so that only the client's own growth is seen here."""
    command = [sys.executable, "-m", "ic_harness.cli", "replica", "start", "--json", "--state-dir", "state"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


def sockets():
    """How many sockets this process has open."""
    links = []
    for entry in FDS.iterdir():
        try:
            links.append(str(entry.readlink()))
        except FileNotFoundError:
            continue  # the folder's own descriptor
    return sum(link.startswith("socket:") for link in links)


async def make_calls(agent, canister, count):
    """So many calls, every eighth an update, with `IN_FLIGHT` under way at any time."""
    turns = iter(range(count))
    replies = set()

    async def caller():
        for turn in turns:
            send = agent.query if turn % 8 else agent.update
            replies.add(await send(canister, "whoami", b"DIDL\x00\x00"))

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return replies


async def scenario(url, canister):
    """What there is more after thousands of calls than after the first 500; and what is left when all is closed."""
    before = sockets()
    async with AsyncAgent(AsyncHttpTransport(url), Ed25519Identity.generate()) as agent:
        await make_calls(agent, canister, 500)
        gc.collect()
        blocks, tasks = sys.getallocatedblocks(), len(asyncio.all_tasks())
        replies = await make_calls(agent, canister, CALLS)
        gc.collect()
        grown = sys.getallocatedblocks() - blocks
        pooled = sockets() - before
        in_flight = agent._limiter.rule.in_flight
        more_tasks = len(asyncio.all_tasks()) - tasks
    left = sockets() - before
    return {
        "replies": len(replies),
        "grown": grown,
        "pooled": pooled,
        "left": left,
        "in_flight": in_flight,
        "tasks": more_tasks,
    }


@pytest.mark.slow
@pytest.mark.skipif(not FDS.is_dir(), reason="counting sockets needs /proc")
def test_thousands_of_calls_over_http(url):
    """Thousands of calls with 64 in flight leak no memory, no sockets and no tasks."""
    with connect(url) as network:
        canister = network.deploy(reference_wasm())
    seen = asyncio.run(scenario(url, canister))
    assert (
        seen["grown"] < CALLS
    )  # verdicts of signatures are remembered up to a bound; one a call would be more
    assert 0 < seen["pooled"] <= IN_FLIGHT
    assert {name: seen[name] for name in ("replies", "left", "in_flight", "tasks")} == {
        "replies": 1, "left": 0, "in_flight": 0, "tasks": 0,
    }  # fmt: skip
