"""HTTP gateways that are asked for with an instance, and what stays behind when they cannot be had."""

from __future__ import annotations

import socket

import pytest

from ic_harness.pocket_ic import PocketIcService, ServerOptions

from .conftest import APPLICATION, Client

LIVE = {"subnet_config_set": APPLICATION, "initial_time": {"AutoProgress": {}}}


@pytest.fixture
def alone():
    """A client of a server that nobody else uses, so that numbers of instances are known."""
    with PocketIcService(ServerOptions()) as service, Client(service.url) as client:
        yield client


def refused(client, **gateway):
    """Why an instance with a gateway cannot be had."""
    return client.post("/instances", {**LIVE, "http_gateway_config": gateway}, 400)["Error"]["message"]


def test_nothing_is_made_for_a_port_that_is_in_use(alone):
    """The port is taken first: the other gateway goes on, and no number of an instance is used up."""
    made = alone.post("/instances", {**LIVE, "http_gateway_config": {}}, 201)["Created"]
    port = made["http_gateway_info"]["port"]
    assert refused(alone, port=port).startswith(f"Failed to bind to address 127.0.0.1:{port}")
    assert alone.get("/instances") == ["Available"]
    assert [gateway["port"] for gateway in alone.get("/http_gateway")] == [port]
    assert alone.http.get(f"http://127.0.0.1:{port}/api/v2/status").status_code == 200


def test_an_instance_whose_gateway_fails_is_deleted(alone):
    """Certificates are read after the instance was made, as by PocketIC; its port is free again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = refused(alone, port=port, https_config={"cert_path": "", "key_path": ""})
    assert said.startswith("TLS config could not be created")
    assert (alone.get("/instances"), alone.get("/http_gateway")) == (["Deleted"], [])
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_a_refused_instance_frees_the_port(alone):
    """What is wrong with the instance itself leaves no listener behind."""
    made = alone.post("/instances", {**LIVE, "http_gateway_config": {}}, 201)["Created"]
    port = made["http_gateway_info"]["port"]
    alone.http.delete(f"/instances/{made['instance_id']}")
    wanted = {**LIVE, "http_gateway_config": {"port": port}}
    alone.post("/instances", {**wanted, "state_dir": "/dev/null/none"}, 400)
    assert alone.post("/instances", wanted, 201)["Created"]["http_gateway_info"]["port"] == port


def test_a_gateway_may_be_stopped_twice(alone):
    """A client stops the gateway that it made also after another one deleted the instance."""
    made = alone.post("/instances", LIVE, 201)["Created"]
    wanted = {"forward_to": {"PocketIcInstance": made["instance_id"]}}
    numbers = [alone.post("/http_gateway", wanted, 201)["Created"]["instance_id"] for _ in range(2)]
    assert alone.post(f"/http_gateway/{numbers[0]}/stop") is None
    assert [gateway["instance_id"] for gateway in alone.get("/http_gateway")] == numbers[1:]
    alone.http.delete(f"/instances/{made['instance_id']}")
    assert [alone.post(f"/http_gateway/{number}/stop") for number in numbers] == [None, None]
    assert "does not exist" in alone.post(f"/http_gateway/{numbers[1] + 1}/stop", status=404)["message"]


def test_pages_of_a_canister_that_does_not_exist(alone):
    """The page says so in the words of the Internet Computer's gateways."""
    made = alone.post("/instances", {**LIVE, "http_gateway_config": {}}, 201)["Created"]
    port = made["http_gateway_info"]["port"]
    host = {"host": f"kgox3-tiaaa-ap777-7777q-cai.localhost:{port}"}
    page = alone.http.get(f"http://127.0.0.1:{port}/index.html", headers=host)
    assert (page.status_code, "404 - canister not found" in page.text) == (404, True)
