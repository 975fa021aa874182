"""Where new canisters are made on a network with several subnets."""

from __future__ import annotations

import base64
import json

import pytest

from ic_harness.agent import CallableTransport, HttpTransport, Response
from ic_harness.networks import connect
from ic_harness.networks.topology import default_canister_id
from ic_harness.principal import Principal
from ic_harness.replica import serve

HOME = Principal.from_text("lxzze-o7777-77777-aaaaa-cai")
TOPOLOGY = {"default_effective_canister_id": {"canister_id": base64.b64encode(HOME.raw).decode()}}


def test_default_is_read():
    """The id stands in base 64 in the topology."""
    assert default_canister_id(json.dumps(TOPOLOGY).encode()) == HOME


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"default_effective_canister_id": null}',
        b'{"default_effective_canister_id": {"canister_id": 5}}',
        b'{"default_effective_canister_id": {"canister_id": "?"}}',
    ],
)
def test_anything_else_is_none(body):
    """What is no topology tells nothing, and breaks nothing."""
    assert default_canister_id(body) is None


def test_canister_is_made_next_to_the_default(network, monkeypatch):
    """A network that tells a default is asked for new canisters there; it is asked for it once."""
    with serve(network.replica) as server, connect(server.url) as remote:
        paths, real = [], HttpTransport(server.url)

        def answer(request):
            paths.append(request.path)
            if request.path == "/_/topology":
                return Response(200, {}, json.dumps(TOPOLOGY).encode())
            return real.send(request)

        monkeypatch.setitem(vars(remote), "_transport", CallableTransport(answer))
        remote.create_canister()
        remote.create_canister()
        real.close()
    assert paths.count("/_/topology") == 1
    assert sum(f"/canister/{HOME}/call" in path for path in paths) == 2


def test_network_without_topology_makes_canisters_all_the_same(network):
    """A network that knows no topology is asked for canisters as before."""
    with serve(network.replica) as server, connect(server.url) as remote:
        assert remote.exists(remote.create_canister())
