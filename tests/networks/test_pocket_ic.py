"""A PocketIC instance, against a stand-in for the server that speaks its REST interface."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from ic_harness.candid import encode
from ic_harness.errors import InputError, NetworkError, RejectError, StateError, TransportError
from ic_harness.networks import Capability, MissingCapabilityError, connect, deploy_canister
from ic_harness.networks.pocket_ic_network import LIVE, STILL, open_pocket_ic
from ic_harness.networks.pocket_ic_server import PocketIcServer
from ic_harness.networks.state_lock import StateLock
from ic_harness.pocket_ic import install
from ic_harness.units import MINUTE, SECOND

from .conftest import COUNTER_DID
from .standins.tools import Tools, alive, gone


@pytest.fixture(scope="module", params=["stand-in", "own server"])
def server(request, tmp_path_factory):
    """A server for the tests of this file: a stand-in for PocketIC's, and the one of this package."""
    folder = tmp_path_factory.mktemp("server")
    tools = Tools(folder, folder)
    if request.param == "stand-in":
        tools.install("pocket-ic", "pocket_ic")
        environ = tools.environ
    else:
        environ = {**os.environ, "POCKET_IC_BIN": str(install(folder))}
    running = PocketIcServer.start(environ=environ)
    yield running
    running.close()


@pytest.fixture
def pocket(server):
    """An instance of the test's own."""
    with open_pocket_ic(server_url=server.url) as network:
        yield network


@pytest.fixture
def counter(pocket, counter_wasm):
    """A counter on the instance."""
    return deploy_canister(pocket, counter_wasm, interface=COUNTER_DID)


def test_canister_works_without_live_mode(pocket, counter, counter_wasm):
    """Calls get their rounds, one after the other, and every answer is verified."""
    assert [counter.increment(), counter.increment(), counter.get()] == [1, 2, 2]
    pocket.install(counter.canister_id, counter_wasm, mode="upgrade")
    assert counter.get() == 0
    assert pocket.module_hash(counter.canister_id) is not None


def test_rejects_come_through(counter):
    """A trap is told as everywhere."""
    with pytest.raises(RejectError, match="IC0502"):
        counter.trap()


def test_logs_are_read(pocket, counter):
    """What a canister printed can be read."""
    counter.increment()
    assert pocket.logs(counter.canister_id) == ["counted"]


def test_asynchronous_agents_work(pocket, counter):
    """An asynchronous agent gets its rounds in the same way."""

    async def increment():
        return await pocket.async_agent().update(counter.canister_id, "increment", encode((), ()))

    assert asyncio.run(increment()).endswith(b"\x01\0\0\0")


def test_capabilities_are_told(pocket):
    """An instance has its time and rounds in the hands of the tests, and a name without an address."""
    assert pocket.capabilities == STILL
    assert {Capability.TIME, Capability.SINGLE_ROUND} <= pocket.capabilities
    assert (pocket.name, pocket.url) == ("pocket-ic", None)


def test_time_is_set_and_advanced(pocket, counter):
    """Time stands where it was put, goes forward by as much as asked, and calls work at any time."""
    before = pocket.time_ns()
    pocket.advance_time(1440 * MINUTE)
    assert 1440 * MINUTE <= pocket.time_ns() - before < 1440 * MINUTE + SECOND
    assert counter.increment() == 1
    pocket.set_time(before + 2880 * MINUTE)
    assert counter.get() == 1


def test_time_goes_forward_only(pocket):
    """A time in the past is refused with what the server says."""
    with pytest.raises(NetworkError, match="SettingTimeIntoPast"):
        pocket.set_time(0)


def test_calls_meet_in_one_round(pocket, counter):
    """Calls that are made together are executed in the same round, and each gets its own answer."""
    assert sorted(pocket.in_one_round([counter.increment] * 4)) == [1, 2, 3, 4]


def test_failed_call_does_not_hold_the_others(pocket, counter):
    """A call of one round that fails before it is sent does not keep the others waiting."""

    def fail():
        raise ValueError("before anything was sent")

    with pytest.raises(ValueError, match="before anything"):
        pocket.in_one_round([counter.increment, fail])
    assert counter.get() == 1


def test_live_instance_is_a_local_network(pocket, counter):
    """Live, other programs reach the instance at its gateway, and time and rounds go by themselves."""
    url = pocket.make_live()
    assert (pocket.url, pocket.capabilities) == (url, LIVE)
    with connect(url) as outside:
        assert outside.root_key == pocket.root_key
        assert outside.agent().update(counter.canister_id, "increment", encode((), ()))
    assert counter.increment() == 2
    with pytest.raises(MissingCapabilityError, match="capability time"):
        pocket.advance_time(1)
    with pytest.raises(MissingCapabilityError, match="capability single_round"):
        pocket.tick()


def test_live_mode_ends(pocket, counter):
    """After live mode the instance goes on under the tests' control, and its gateway is closed."""
    url = pocket.make_live()
    assert pocket.make_live() == url
    pocket.stop_live()
    assert pocket.capabilities == STILL
    pocket.advance_time(60 * MINUTE)
    assert counter.increment() == 1
    with connect(url) as outside, pytest.raises(TransportError):
        outside.status()


def test_slow_operations_are_awaited(tools, counter_wasm):
    """An operation that is answered 202 is asked for until its result is there."""
    tools.install("pocket-ic", "pocket_ic")
    with open_pocket_ic(environ=tools.environ | {"STANDIN_SLOW": "1"}) as network:
        counter = deploy_canister(network, counter_wasm, interface=COUNTER_DID)
        assert counter.increment() == 1


def test_busy_instance_is_asked_again(tools):
    """An instance that is busy with something else is asked until it is free."""
    tools.install("pocket-ic", "pocket_ic")
    with open_pocket_ic(environ=tools.environ | {"STANDIN_BUSY": "1"}) as network:
        assert network.time_ns() > 0


def test_state_is_kept(tools, tmp_path, counter_wasm):
    """With a folder, an instance goes on where the one before it stopped."""
    tools.install("pocket-ic", "pocket_ic")
    with open_pocket_ic(environ=tools.environ, state_dir=tmp_path / "state") as network:
        counter = deploy_canister(network, counter_wasm, interface=COUNTER_DID)
        counter.increment()
        key = network.root_key
    with open_pocket_ic(environ=tools.environ, state_dir=tmp_path / "state") as network:
        assert network.root_key == key
        assert network.exists(counter.canister_id)


def test_kept_state_is_for_one_at_a_time(server, tmp_path):
    """While an instance has the folder nobody else gets it, and afterwards the next one does."""
    with (
        open_pocket_ic(server_url=server.url, state_dir=tmp_path / "state"),
        pytest.raises(StateError, match="in use by another process"),
    ):
        open_pocket_ic(server_url=server.url, state_dir=tmp_path / "state")
    open_pocket_ic(server_url=server.url, state_dir=tmp_path / "state").close()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot keep state in .*file: (Not a directory|File exists)"):
        open_pocket_ic(server_url=server.url, state_dir=tmp_path / "file")


def test_refused_instance_gives_the_folder_back(tools, tmp_path):
    """A folder whose instance could not be made is free again."""
    tools.install("pocket-ic", "pocket_ic")
    with pytest.raises(NetworkError, match="no more instances"):
        open_pocket_ic(environ=tools.environ | {"STANDIN_REFUSE": "1"}, state_dir=tmp_path / "state")
    StateLock(tmp_path / "state").release()


def test_server_ends_with_the_network(tools):
    """Closing the network deletes the instance and ends the process and its folder; twice is once."""
    tools.install("pocket-ic", "pocket_ic")
    network = open_pocket_ic(environ=tools.environ)
    assert network._server._child is not None
    pid, folder = network._server.pid, Path(network._server._child.command[2]).parent
    assert alive(pid)
    assert folder.is_dir()
    network.close()
    network.close()
    assert gone(pid)
    assert not folder.exists()


def test_instances_are_apart(pocket, server):
    """Two instances on one server share nothing, and closing one leaves the other and the server alone."""
    canister = pocket.create_canister()
    with open_pocket_ic(server_url=server.url) as second:
        second.advance_time(60 * MINUTE)
        assert not second.exists(canister)
    assert pocket.exists(canister)


def test_refused_instance_leaves_nothing(tools, ended):
    """When the server makes no instance its reason is told, and the server is ended."""
    tools.install("pocket-ic", "pocket_ic")
    with pytest.raises(NetworkError, match="no more instances"):
        open_pocket_ic(environ=tools.environ | {"STANDIN_REFUSE": "1"})
    assert ended()


def test_missing_binary_is_told(tools):
    """Without a binary the error says where to get it and how to name it."""
    with pytest.raises(NetworkError, match=r"POCKET_IC_BIN is not set\. Get pocket-ic from https://github"):
        open_pocket_ic(environ=tools.environ)


def test_wrong_variable_is_told(tools):
    """A POCKET_IC_BIN that names no program is not passed over in silence."""
    tools.install("pocket-ic", "pocket_ic")
    with pytest.raises(NetworkError, match="POCKET_IC_BIN is /nowhere/pocket-ic, and that is no program"):
        open_pocket_ic(environ=tools.environ | {"POCKET_IC_BIN": "/nowhere/pocket-ic"})


def test_binary_is_named_by_the_variable(tools):
    """POCKET_IC_BIN wins over PATH."""
    path = tools.install("pocket-ic", "pocket_ic")
    tools.script("pocket-ic-server", "exit 1")
    with open_pocket_ic(
        environ=tools.environ | {"POCKET_IC_BIN": str(path), "PATH": "/usr/bin:/bin"}
    ) as network:
        assert network.time_ns() > 0


def test_binary_that_ends_at_once_is_told(tools):
    """A server that ends before it is ready is told with its status and what it printed."""
    tools.script("pocket-ic", "echo cannot load library; exit 3")
    with pytest.raises(NetworkError, match="ended with status 3 at once; it said: cannot load library"):
        open_pocket_ic(environ=tools.environ)


def test_binary_that_never_gets_ready_is_ended(tools, soon, ended):
    """A server that does not get ready is given up at the deadline and does not stay behind."""
    tools.script("pocket-ic", "exec sleep 1000")
    with pytest.raises(NetworkError, match="was not ready within 60 s"):
        open_pocket_ic(environ=tools.environ, deadline=soon)
    assert ended()


@pytest.mark.parametrize("port", ["", "many", "-1"])
def test_wrong_port_is_told(tools, port):
    """A port file that holds no port is told, and the server is ended."""
    tools.script("pocket-ic", f"echo '{port}' > $2; exec sleep 1000")
    with pytest.raises(NetworkError, match="as its port"):
        open_pocket_ic(environ=tools.environ)


def test_server_that_dies_is_told(tools):
    """A server that ends in the middle is told as such, not as a riddle."""
    tools.install("pocket-ic", "pocket_ic")
    network = open_pocket_ic(environ=tools.environ)
    assert network._server.pid is not None
    assert network._server._child is not None
    os.kill(network._server.pid, signal.SIGKILL)
    network._server._child._process.wait()
    with pytest.raises(NetworkError, match="the server has ended"):
        network.tick()
    with pytest.raises(NetworkError):
        network.close()
