"""Networks are looked up by name or URL, and unknown ones are refused in words."""

from __future__ import annotations

import importlib.metadata

import pytest

from ic_harness import networks
from ic_harness.errors import InputError, TransportError
from ic_harness.networks import (
    MEANINGS,
    NAMES,
    SPECS,
    STARTED,
    Capability,
    MissingCapabilityError,
    NetworkKind,
    OpenOptions,
    connect,
    embedded,
    is_mainnet,
    kinds,
    network_names,
    open_network,
)
from ic_harness.networks.doctor import examine
from ic_harness.protocol import MAINNET_ROOT_KEY


def test_every_capability_has_a_meaning():
    """Each capability has the words that an error completes."""
    assert set(MEANINGS) == set(Capability)


@pytest.mark.parametrize("spec", ["", "local", "127.0.0.1:4943", "dfx "])
def test_unknown_network_is_refused(spec):
    """A text that is neither a known name nor a URL is refused with the names that there are."""
    with pytest.raises(InputError, match="or give a URL"):
        open_network(spec)


@pytest.mark.parametrize("name", ["embedded", "connect", "dfx", "icp", "pocket_ic", "ic"])
def test_networks_are_opened_by_functions(name):
    """Each network has a function of its name in the package, also after the code behind it was loaded."""
    for module in ("embedded_network", "dfx_network", "icp_network", "pocket_ic_network", "named_network"):
        importlib.import_module(f"ic_harness.networks.{module}")
    opener = getattr(networks, name)
    assert callable(opener)
    assert name in networks.__all__


@pytest.mark.parametrize("name", NAMES + STARTED)
def test_every_name_is_explained(name):
    """The text of help names every network that can be opened."""
    assert name in SPECS


class _Point:
    """An entry point as another distribution would have it."""

    name, value = "testbed", "package:TESTBED"

    def __init__(self, loads):
        self.load = lambda: loads


def test_networks_of_others_are_opened(monkeypatch):
    """A network that another package brings is opened by its name, listed by `doctor`, and cannot replace ours."""
    opened = []

    def open_testbed(options):
        opened.append(options)
        return embedded()

    kind = NetworkKind(name="testbed", open=open_testbed, startable=True)
    monkeypatch.setattr(kinds, "_points", lambda: {"testbed": _Point(kind)})
    assert network_names() == [*NAMES, "testbed"]
    with open_network("testbed"), open_network("testbed:start"):
        assert opened == [OpenOptions(), OpenOptions(start=True)]
    with pytest.raises(InputError, match=r"no network 'testbed:stop'; did you mean"):
        open_network("testbed:stop")
    found = {finding.name: finding for finding in examine("embedded")}
    assert found["testbed"].usable is None
    assert "--network testbed" in found["testbed"].detail
    monkeypatch.setattr(kinds, "_points", lambda: {"testbed": _Point(7)})
    with pytest.raises(
        InputError, match=r"the network 'testbed' .* must be an instance of .*NetworkKind, not of int"
    ):
        open_network("testbed")


def test_networks_of_others_cannot_replace_ours(monkeypatch):
    """An entry point with the name of a network of this package is not even listed."""
    kinds._points.cache_clear()
    point = _Point(None)
    point.name = "embedded"
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_group: [point])
    try:
        assert network_names() == list(NAMES)
    finally:
        kinds._points.cache_clear()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "file:///etc/hosts"])
def test_other_addresses_are_refused(url):
    """A URL that is not HTTP, or has no host, is no address of a network."""
    with pytest.raises(InputError, match="no address of a network"):
        connect(url)


def test_mainnet_has_its_key_built_in():
    """The Internet Computer's root key is never asked for."""
    with open_network("ic") as network:
        assert network.root_key == MAINNET_ROOT_KEY
        assert Capability.CREATE not in network.capabilities


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://icp-api.io", True),
        ("https://ic0.app/", True),
        ("https://a4gq6-oaaaa-aaaab-qaa4q-cai.raw.icp0.io", True),
        ("http://127.0.0.1:4943", False),
        ("http://icp0.io.example.org", False),
        ("http://notic0.app", False),
    ],
)
def test_mainnet_is_told_by_its_domains(url, expected):
    """Only the domains of the Internet Computer, whole, count as mainnet."""
    assert is_mainnet(url) is expected


def test_silent_network_is_told(unused_port):
    """A network that does not answer raises a transport error that names the address."""
    with (
        connect(f"http://127.0.0.1:{unused_port}") as network,
        pytest.raises(TransportError, match=r"127\.0\.0\.1"),
    ):
        _ = network.root_key


@pytest.mark.parametrize(
    ("method", "args", "capability"),
    [
        ("time_ns", (), "time"),
        ("set_time", (0,), "time"),
        ("advance_time", (1,), "time"),
        ("tick", (), "single_round"),
        ("snapshot", (), "snapshot"),
        ("restore", (None,), "snapshot"),
        ("in_one_round", ([],), "single_round"),
        ("instructions", (None,), "metrics"),
        ("metrics", (), "metrics"),
        ("log_stream", (), "log_stream"),
        ("inject_fault", ("drop_reply",), "faults"),
        ("clear_faults", (), "faults"),
        ("stable_memory", (None,), "stable"),
        ("certified_data", (None,), "stable"),
        ("limited", (), "limits"),
    ],
)
def test_missing_capability_is_told(method, args, capability):
    """What a network cannot do raises an error that names the capability and who has it."""
    network = connect("http://127.0.0.1:1")
    with network, pytest.raises(MissingCapabilityError, match=f"capability {capability}"):
        getattr(network, method)(*args)
