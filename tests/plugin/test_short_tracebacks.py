"""A failing test shows its own line and the message, and no line of the library; a bug shows everything."""

from __future__ import annotations

import re

import pytest

from .conftest import OPTIONS

TESTS = """
import asyncio, contextlib
import pytest
from ic_harness.networks import deploy_canister, embedded
from ic_harness.testing import reverts, trapped

@pytest.fixture(scope="session")
def counter():
    with embedded() as network:
        yield deploy_canister(network, {wasm!r}, (0,))

def helper(counter):
    counter.fail_by_assert()  # line of the helper

def test_trap(counter):
    helper(counter)  # line of the test

def test_reject(counter):
    counter.fail_by_throw()  # line of the test

def test_encode(counter):
    counter.add("text")  # line of the test

def test_input(counter):
    counter.call("none")  # line of the test

def test_reverts(counter):
    with reverts("x"):  # line of the test
        counter.get()

def test_trapped(counter):
    with trapped("other"):
        counter.fail_by_assert()  # line of the test

def test_async(counter):
    async def use():
        async with counter.async_() as twin:
            await twin.fail_by_assert()  # line of the test
    asyncio.run(use())

def test_group(counter):
    async def use():
        async with counter.async_() as twin, asyncio.TaskGroup() as group:
            group.create_task(twin.fail_by_assert())
    asyncio.run(use())  # line of the test

def test_callback(counter):
    counter.network.until(lambda: counter.fail_by_assert())  # line of the test

@pytest.fixture
def broken(counter):
    counter.fail_by_assert()  # line of the fixture

def test_setup(broken):
    pass
"""
NAMES = ["trap", "reject", "encode", "input", "reverts", "trapped", "async", "group", "callback", "setup"]


@pytest.fixture
def failures(user):
    """Run the tests, with further options; return what pytest shows of each."""
    from tests.replica.support import CANISTERS

    def run(*options):
        wasm = str(CANISTERS / "motoko" / "counter.wasm.gz")
        user.makepyfile(TESTS.replace("{wasm!r}", repr(wasm)))
        result = user.runpytest_inprocess(*OPTIONS, *options)
        text = result.stdout.str().split("short test summary")[0]
        _, *parts = re.split(r"^_+ (?:ERROR at setup of )?test_(\w+) _+$", text, flags=re.MULTILINE)
        return dict(zip(parts[::2], parts[1::2], strict=True))

    return run


def test_frames_are_hidden(failures):
    """Calls, assertions, asynchronous code, callbacks and fixtures: each shows the user's line, none the library's."""
    found = failures()
    for name in NAMES:
        marked = "line of the fixture" if name == "setup" else "line of the test"
        assert marked in found[name], name
        for hidden in (
            "lifecycle.py",
            "agent.py",
            "rejects.py",
            "contextlib.py",
            "async_canister.py",
            "runners.py:",
        ):
            assert hidden not in found[name], (name, hidden, found[name])
    assert "line of the helper" in found["trap"]
    assert "assertion failed" in found["trap"]
    assert "CandidError" in found["encode"]
    assert (
        "expected a reject with 'x' in its message, but every call of the block succeeded" in found["reverts"]
    )


def test_full_traces(failures):
    """`--full-trace` shows the frames of the library."""
    assert "lifecycle.py" in failures("--full-trace")["trap"]


def test_bugs_show_everything(user):
    """An exception that the library does not raise on purpose keeps its frames."""
    user.makepyfile(
        "from ic_harness.networks import lifecycle\n"
        "def test():\n"
        "    lifecycle(None)\n"
    )  # fmt: skip
    result = user.runpytest_inprocess(*OPTIONS)
    assert "canister.py" in result.stdout.str()
