"""The local network of icp-cli: found by its files, started and stopped, against a stand-in for the program."""

from __future__ import annotations

import json

import pytest

from ic_harness.errors import CertificateError, InputError, NetworkError
from ic_harness.networks import deploy_canister
from ic_harness.networks.deadline import Deadline
from ic_harness.networks.icp_network import find_place, find_project, open_icp
from ic_harness.networks.icp_yaml import read_network
from ic_harness.principal import Principal
from ic_harness.protocol import MAINNET_ROOT_KEY

from .conftest import COUNTER_DID
from .standins.tools import alive, gone

KEY = bytes(range(133))
FIRST = "rwlgt-iiaaa-aaaaa-aaaaa-cai"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A project that says nothing of networks."""
    write(tmp_path / "project/icp.yaml", "canisters: []\n")
    return tmp_path / "project"


@pytest.fixture
def icp(tools):
    """The stand-in on PATH."""
    return tools.install("icp")


def descriptor(project):
    return project / ".icp/cache/networks/local/descriptor.json"


def place_of(project, tools):
    return find_place(project, tools.environ, Deadline(30.0))


# -- where it is ---------------------------------------------------------------------------------------------


def test_running_network_is_found(project, tools):
    """The descriptor of a running network tells its port and its root key."""
    write(descriptor(project), {"gateway": {"fixed": True, "port": 8000}, "root-key": KEY.hex()})
    place = place_of(project, tools)
    assert (place.url, place.root_key) == ("http://localhost:8000", KEY)
    assert find_project(project / "src" / "deeper") == project


def test_network_that_does_not_run_is_not_found(project, tools, icp):
    """Without a descriptor, and when icp-cli says that it does not run, there is none, whatever its port is."""
    write(project / "icp.yaml", "networks: [{name: local, mode: managed, gateway: {port: 9999}}]")
    assert place_of(project, tools) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [("mainnet", MAINNET_ROOT_KEY), ("fetch", None), (KEY.hex(), KEY)],
)
def test_connected_network_is_found(project, tools, text, key):
    """A connected network is at its URL, and its root key is as icp.yaml says."""
    entry = f"{{name: local, mode: connected, url: 'http://192.0.2.1:80', root-key: '{text}'}}"
    write(project / "icp.yaml", f"networks: [{entry}]")
    place = place_of(project, tools)
    assert (place.url, place.root_key, place.store) == ("http://192.0.2.1:80", key, "data")


def test_network_of_its_own_file_is_found(project):
    """An entry may be the path of a file that holds it; entries of other names are passed over."""
    write(project / "icp.yaml", "networks:\n  - {name: other, mode: managed}\n  - networks/local.yaml\n")
    write(
        project / "networks/local.yaml",
        "name: local\nmode: connected\napi-url: http://192.0.2.1\nurl: http://x",
    )
    assert read_network(project, "local").url == "http://192.0.2.1"
    assert read_network(project, "third").url is None


@pytest.mark.parametrize(
    "text",
    [
        "networks: [",
        "- a",
        "networks: 5",
        "networks: [5]",
        "networks: [{name: local}]",
        "networks: [{name: local, mode: borrowed}]",
        "networks: [{name: local, mode: connected}]",
        "networks: [{name: local, mode: connected, url: 'http://x', root-key: beef}]",
        "networks: [{name: local, mode: connected, url: 'http://x', root-key: none}]",
        "networks: [missing.yaml]",
        "!!python/object/apply:os.getcwd []",
    ],
)
def test_damaged_project_is_told(project, tools, text):
    """An icp.yaml of another shape is told by name, and no code in it is run."""
    write(project / "icp.yaml", text)
    with pytest.raises(InputError, match=r"icp\.yaml|missing\.yaml"):
        place_of(project, tools)


@pytest.mark.parametrize(
    "value",
    [
        "{",
        "[]",
        {},
        {"gateway": 8000},
        {"gateway": {"port": 0}},
        {"gateway": {"port": 8000}, "root-key": "beef"},
    ],
)
def test_damaged_descriptor_is_told(project, tools, value):
    """A descriptor of another shape is told by name, with what to do."""
    write(descriptor(project), value)
    with pytest.raises(NetworkError, match=r"descriptor\.json.*icp network start"):
        place_of(project, tools)


def test_missing_project_is_told(tmp_path):
    """Without an icp.yaml there is nothing to open."""
    with pytest.raises(InputError, match=r"there is no icp\.yaml in"):
        open_icp(tmp_path)


def test_stale_descriptor_is_told(project, tools, unused_port):
    """When nobody listens where the descriptor says, the file is named and how to start the network."""
    write(descriptor(project), {"gateway": {"port": unused_port}, "root-key": KEY.hex()})
    with pytest.raises(NetworkError, match=r"does not answer at .*icp network start.*descriptor\.json"):
        open_icp(project, environ=tools.environ)


def test_network_that_does_not_run_is_told(project, tools):
    """A network that does not run is told with how to start it."""
    with pytest.raises(NetworkError, match="does not run: start it by `icp network start"):
        open_icp(project, environ=tools.environ)


# -- starting and stopping -----------------------------------------------------------------------------------


def pid_of(project):
    return int((project / ".icp/cache/networks/local/pid").read_text())


def test_network_is_started_and_stopped(project, tools, icp, counter_wasm):
    """A network that does not run is started on request, can be worked with, and is stopped when closed."""
    with open_icp(project, start=True, environ=tools.environ) as network:
        pid = pid_of(project)
        assert (network.name, alive(pid)) == ("icp", True)
        counter = deploy_canister(network, counter_wasm, interface=COUNTER_DID)
        with open_icp(project, start=True, environ=tools.environ) as second:
            assert second.root_key == network.root_key
        assert counter.increment() == 1  # who did not start it does not stop it
    assert gone(pid)


def test_stale_descriptor_is_replaced(project, tools, icp, unused_port):
    """A descriptor that was left by a network that is gone does not keep a new one from being started."""
    write(descriptor(project), {"gateway": {"port": unused_port}, "root-key": KEY.hex()})
    with open_icp(project, start=True, environ=tools.environ) as network:
        assert network.exists(network.create_canister())


def test_icp_is_asked_where_it_is(project, tools, icp):
    """Where the descriptor is not where it used to be, icp-cli itself tells the address."""
    with open_icp(project, start=True, environ=tools.environ | {"STANDIN_ELSEWHERE": "1"}) as network:
        assert not descriptor(project).exists()
        assert network.exists(network.create_canister())


@pytest.mark.parametrize(
    "printed", ["nothing", "{}", '{"port": "x"}', "[]", '{"port": 1, "root_key": "beef"}']
)
def test_odd_status_is_told(project, tools, printed):
    """A status that is not what is documented is told and not guessed at."""
    tools.script("icp", f"echo '{printed}'")
    with pytest.raises((NetworkError, InputError), match=r"icp network status|root key"):
        open_icp(project, environ=tools.environ)


def test_two_projects_are_apart(tmp_path, tools, icp):
    """Two projects have two networks, and stopping one leaves the other."""
    for name in ("one", "two"):
        write(tmp_path / name / "icp.yaml", "")
    with open_icp(tmp_path / "one", start=True, environ=tools.environ) as one:
        with open_icp(tmp_path / "two", start=True, environ=tools.environ) as two:
            assert one.root_key != two.root_key
        assert one.exists(one.create_canister())


def test_missing_program_is_told(project, tools):
    """Without icp on PATH the error says how to install it."""
    with pytest.raises(NetworkError, match=r"no program icp on PATH\. Install icp-cli: brew install"):
        open_icp(project, start=True, environ=tools.environ)


def test_program_that_fails_is_told(project, tools, ended):
    """When icp-cli does not start the network, what it printed is told, and nothing stays behind."""
    tools.script("icp", "sleep 1000 & echo 'Error: no launcher'; exit 1")
    with pytest.raises(NetworkError, match="`icp network start local --background` failed with status 1"):
        open_icp(project, start=True, environ=tools.environ)
    assert ended()


def test_wrong_root_key_is_noticed(project, tools, icp):
    """A network that has another root key than its descriptor tells is not believed."""
    with open_icp(project, start=True, environ=tools.environ):
        told = json.loads(descriptor(project).read_text())
        write(descriptor(project), told | {"root-key": MAINNET_ROOT_KEY.hex()})
        with open_icp(project, environ=tools.environ) as wrong, pytest.raises(CertificateError):
            wrong.create_canister()


# -- canisters by name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["managed", "connected"])
def test_canister_is_found_by_name(project, tools, icp, mode):
    """Names lead to the ids of the environment local: in the cache for managed networks, else in the data."""
    with open_icp(project, start=True, environ=tools.environ) as network:
        if mode == "connected":
            entry = f"{{name: local, mode: connected, url: '{network.url}', root-key: fetch}}"
            write(project / "icp.yaml", f"networks: [{entry}]")
        folder = "cache" if mode == "managed" else "data"
        write(project / f".icp/{folder}/mappings/local.ids.json", {"backend": FIRST})
        with open_icp(project, environ=tools.environ) as found:
            assert found.canister_id("backend") == Principal.from_text(FIRST)
            assert found.canister_id("other") is None
        write(project / f".icp/{folder}/mappings/local.ids.json", {"backend": "nobody"})
        with open_icp(project, environ=tools.environ) as found, pytest.raises(InputError, match=r"ids\.json"):
            found.canister_id("backend")
