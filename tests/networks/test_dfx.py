"""The local network of dfx: found by its files, started and stopped, against a stand-in for the program."""

from __future__ import annotations

import json

import pytest

from ic_harness.errors import InputError, NetworkError
from ic_harness.networks import Capability, deploy_canister
from ic_harness.networks.dfx_network import find_place, open_dfx
from ic_harness.principal import Principal

from .conftest import COUNTER_DID
from .standins.tools import alive, gone

FIRST = "rwlgt-iiaaa-aaaaa-aaaaa-cai"
SECOND = "rrkah-fqaaa-aaaaa-aaaaq-cai"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A project with a network of its own."""
    folder = tmp_path / "project"
    write(folder / "dfx.json", {"networks": {"local": {"bind": "127.0.0.1:0"}}})
    return folder


def shared_data(tools):
    return tools.home / ".local/share/dfx/network/local"


# -- where it is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "port_file", "url"),
    [
        ({"bind": "127.0.0.1:8123"}, None, "http://127.0.0.1:8123"),
        ({"bind": "localhost:8123"}, None, "http://localhost:8123"),
        ({"bind": "0.0.0.0:8123"}, None, "http://127.0.0.1:8123"),
        ({"bind": "[::1]:8123"}, None, "http://[::1]:8123"),
        ({}, None, "http://127.0.0.1:8000"),
        ({"bind": "127.0.0.1:8123"}, "9000\n", "http://127.0.0.1:9000"),
        ({"bind": "127.0.0.1:8123"}, "", "http://127.0.0.1:8123"),
        ({"providers": ["http://192.0.2.1:80"]}, "9000", "http://192.0.2.1:80"),
    ],
)
def test_project_network_is_found(project, tools, local, port_file, url):
    """A network of dfx.json is where `bind` says, on the port in `webserver-port` if there is one."""
    write(project / "dfx.json", {"networks": {"local": local}})
    if port_file is not None:
        write(project / ".dfx/network/local/webserver-port", port_file)
    place = find_place(project / "src" / "deeper", tools.environ)
    assert (place.url, place.shared, place.project) == (url, False, project)


@pytest.mark.parametrize("with_project", [True, False])
def test_shared_network_is_found(tmp_path, tools, with_project):
    """Without a network in dfx.json the shared one is meant: networks.json, else port 4943."""
    if with_project:
        write(tmp_path / "dfx.json", {"canisters": {}})
    assert find_place(tmp_path, tools.environ).url == "http://127.0.0.1:4943"
    write(tools.home / ".config/dfx/networks.json", {"local": {"bind": "127.0.0.1:4999"}})
    assert find_place(tmp_path, tools.environ).url == "http://127.0.0.1:4999"
    write(shared_data(tools) / "webserver-port", "5000")
    place = find_place(tmp_path, tools.environ)
    assert (place.url, place.shared, place.data) == ("http://127.0.0.1:5000", True, shared_data(tools))


def test_folders_follow_the_environment(tmp_path, tools):
    """`DFX_CONFIG_ROOT` moves networks.json, `XDG_DATA_HOME` what dfx keeps of the network."""
    environ = tools.environ | {"DFX_CONFIG_ROOT": str(tmp_path / "c"), "XDG_DATA_HOME": str(tmp_path / "d")}
    write(tmp_path / "c/.config/dfx/networks.json", {"local": {"bind": "127.0.0.1:4999"}})
    place = find_place(tmp_path, environ)
    assert (place.url, place.data) == ("http://127.0.0.1:4999", tmp_path / "d/dfx/network/local")


@pytest.mark.parametrize("bind", ["4943", "127.0.0.1", "127.0.0.1:99999", ":80", "a b:1", 4943, None, "[:1"])
def test_wrong_bind_is_told(project, tools, bind):
    """An address that is none is told with the file that holds it."""
    write(project / "dfx.json", {"networks": {"local": {"bind": bind}}})
    with pytest.raises(InputError, match=r"dfx\.json: `bind` of the network local must look like"):
        find_place(project, tools.environ)


@pytest.mark.parametrize("text", ["{", "[]", '{"networks": []}', '{"networks": {"local": 1}}'])
def test_damaged_project_is_told(project, tools, text):
    """A dfx.json of another shape is told by name."""
    write(project / "dfx.json", text)
    with pytest.raises(InputError, match=r"dfx\.json"):
        find_place(project, tools.environ)


@pytest.mark.parametrize("text", ["not json", "[1]", '{"local": "here"}', '{"local": {"providers": "x"}}'])
def test_damaged_networks_file_is_told(tmp_path, tools, text):
    """A networks.json of another shape is told by name."""
    write(tools.home / ".config/dfx/networks.json", text)
    with pytest.raises(InputError, match=r"networks\.json"):
        find_place(tmp_path, tools.environ)


@pytest.mark.parametrize("text", ["abc", "-1", "0", "65536", "80 81", "٤٩٤٣"])
def test_damaged_port_file_is_told(project, tools, text):
    """A port file that holds no port is told with what it holds and what to do."""
    write(project / ".dfx/network/local/webserver-port", text)
    with pytest.raises(NetworkError, match=r"webserver-port holds .*, no port: delete the file"):
        find_place(project, tools.environ)


def test_stale_port_file_is_told(project, tools, unused_port):
    """When nobody listens where the port file says, the file is named and how to start the network."""
    write(project / ".dfx/network/local/webserver-port", str(unused_port))
    with pytest.raises(NetworkError, match=r"does not answer at .*dfx start --clean.*webserver-port"):
        open_dfx(project, environ=tools.environ)


# -- starting and stopping -----------------------------------------------------------------------------------


@pytest.fixture
def dfx(tools):
    """The stand-in on PATH."""
    return tools.install("dfx")


def pid_of(data):
    return int((data / "pid").read_text())


def test_network_is_started_and_stopped(project, tools, dfx, counter_wasm):
    """A network that does not run is started on request, can be worked with, and is stopped when closed."""
    with open_dfx(project, start=True, environ=tools.environ) as network:
        pid = pid_of(project / ".dfx/network/local")
        assert (network.name, alive(pid)) == ("dfx", True)
        assert network.capabilities == {Capability.CREATE, Capability.UPGRADE, Capability.LOGS}
        counter = deploy_canister(network, counter_wasm, interface=COUNTER_DID)
        assert counter.increment() == 1
        with open_dfx(project, start=True, environ=tools.environ) as second:
            assert second.root_key == network.root_key
        assert counter.increment() == 2  # who did not start it does not stop it
    assert gone(pid)


def test_two_projects_are_apart(tmp_path, tools, dfx):
    """Two projects with networks of their own have two networks, and stopping one leaves the other."""
    for name in ("one", "two"):
        write(tmp_path / name / "dfx.json", {"networks": {"local": {"bind": "127.0.0.1:0"}}})
    with open_dfx(tmp_path / "one", start=True, environ=tools.environ) as one:
        with open_dfx(tmp_path / "two", start=True, environ=tools.environ) as two:
            assert one.url != two.url
            assert one.root_key != two.root_key
        assert one.exists(one.create_canister())


def test_shared_network_is_started(tmp_path, tools, dfx):
    """Without a project the shared network is started, and found by its port file."""
    with open_dfx(tmp_path, start=True, environ=tools.environ) as network:
        assert network.url.endswith((shared_data(tools) / "webserver-port").read_text())
        assert network.canister_id("backend") is None


def test_missing_program_is_told(project, tools):
    """Without dfx on PATH the error says how to install it."""
    with pytest.raises(NetworkError, match=r"no program dfx on PATH\. Install dfx: sh -ci"):
        open_dfx(project, start=True, environ=tools.environ)


def test_program_that_fails_is_told(project, tools, ended):
    """When dfx does not start the network, what it printed is told."""
    tools.script("dfx", "echo 'Error: port in use' >&2; exit 255")
    with pytest.raises(
        NetworkError, match=r"`dfx start --clean --background` failed with status 255.*port in use"
    ):
        open_dfx(project, start=True, environ=tools.environ)
    assert ended()


def test_program_that_hangs_is_ended(project, tools, soon_after, tmp_path):
    """A start that does not end is given up at the deadline, with everything that it began."""
    tools.script("dfx", f"echo waiting; sleep 1000 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(NetworkError, match="did not finish within 60 s; it said: waiting"):
        open_dfx(project, start=True, environ=tools.environ, deadline=soon_after(tmp_path / "pid"))
    assert gone(int((tmp_path / "pid").read_text()))


def test_start_without_network_is_undone(project, tools):
    """When dfx says it started the network and nobody answers, it is told to stop again."""
    tools.script("dfx", f'echo "$@" >> {tools.home}/calls')
    with pytest.raises(NetworkError, match="`dfx start` succeeded all the same"):
        open_dfx(project, start=True, environ=tools.environ)
    assert (tools.home / "calls").read_text().split("\n")[:2] == ["start --clean --background", "stop"]


def test_program_that_cannot_run_is_told(project, tools):
    """A file that is no program for this machine is told."""
    path = tools.script("dfx", "")
    path.write_bytes(b"\x7fELF nothing")
    with pytest.raises(NetworkError, match=r"cannot start .*dfx: Exec format error"):
        open_dfx(project, start=True, environ=tools.environ)


# -- canisters by name ---------------------------------------------------------------------------------------


def test_canister_is_found_by_name(project, tools):
    """A name leads to the id that dfx gave it: first `remote`, then the local file, then the lasting one."""
    place = find_place(project, tools.environ)
    assert place.canister_id("backend") is None
    write(project / "canister_ids.json", {"backend": {"__default": SECOND}})
    assert place.canister_id("backend") == Principal.from_text(SECOND)
    write(project / ".dfx/local/canister_ids.json", {"backend": {"local": FIRST}})
    assert place.canister_id("backend") == Principal.from_text(FIRST)
    write(project / "dfx.json", {"canisters": {"backend": {"remote": {"id": {"local": SECOND}}}}})
    assert place.canister_id("backend") == Principal.from_text(SECOND)
    assert place.canister_id("other") is None


def test_ids_of_an_earlier_network_are_void(tmp_path, tools):
    """Ids that belong to a shared network from before its last clean start are not believed."""
    write(tmp_path / "dfx.json", {})
    write(tmp_path / ".dfx/local/canister_ids.json", {"backend": {"local": FIRST}})
    place = find_place(tmp_path, tools.environ)
    assert place.canister_id("backend") == Principal.from_text(FIRST)
    write(shared_data(tools) / "network-id", {"created": "today"})
    assert place.canister_id("backend") is None
    write(tmp_path / ".dfx/local/network-id", {"created": "yesterday"})
    assert place.canister_id("backend") is None
    write(tmp_path / ".dfx/local/network-id", {"created": "today"})
    assert place.canister_id("backend") == Principal.from_text(FIRST)


@pytest.mark.parametrize("ids", ["{", "[]", '{"backend": "x"}', '{"backend": {"local": "no-principal"}}'])
def test_damaged_ids_are_told(project, tools, ids):
    """A file of ids of another shape is told by name."""
    write(project / ".dfx/local/canister_ids.json", ids)
    with pytest.raises(InputError, match=r"canister_ids\.json"):
        find_place(project, tools.environ).canister_id("backend")
