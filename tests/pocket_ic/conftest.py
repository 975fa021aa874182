"""A server in this process, a client without knowledge of it, and canisters for both."""

from __future__ import annotations

import base64
import functools

import httpx
import pytest
import wasmtime

from ic_harness.candid import encode, parse
from ic_harness.pocket_ic import PocketIcService, ServerOptions
from ic_harness.principal import Principal
from ic_harness.protocol import management_interface

METHODS = parse(management_interface()).methods
APPLICATION = {"application": [{"state_config": "New", "instruction_config": "Production"}]}
ANONYMOUS = b"\4"


def b64(raw):
    """Bytes as the interface takes them."""
    return base64.b64encode(raw).decode()


@functools.cache
def wat(text):
    """A module from its text form."""
    return bytes(wasmtime.wat2wasm(text))


class Client:
    """Requests to a server as JSON."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def post(self, path, body=None, status=200):
        """Send JSON; returns the answer, whose status must be as expected."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path, status=200):
        """Read JSON."""
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def create(self, subnets=None, **more):
        """A new instance."""
        made = self.post("/instances", {"subnet_config_set": subnets or APPLICATION, **more}, 201)["Created"]
        return Instance(self, made["instance_id"], made["topology"])


class Instance:
    """One instance on a server."""

    def __init__(self, client, number, topology):
        self.client = client
        self.number = number
        self.topology = topology
        self.path = f"/instances/{number}"

    def post(self, operation, body=None, status=200):
        """An operation by POST."""
        return self.client.post(f"{self.path}/{operation}", body, status)

    def get(self, operation, status=200):
        """An operation by GET."""
        return self.client.get(f"{self.path}/{operation}", status)

    def time(self):
        """The time of the instance in ns."""
        return self.get("read/get_time")["nanos_since_epoch"]

    def call(self, canister, method, payload=b"DIDL\0\0", *, sender=ANONYMOUS, effective="None"):
        """An update call from submission to its answer."""
        submitted = self.submit(canister, method, payload, sender=sender, effective=effective)
        return self.post("update/await_ingress_message", submitted["Ok"]) if "Ok" in submitted else submitted

    def submit(
        self, canister, method, payload=b"DIDL\0\0", *, sender=ANONYMOUS, effective="None", status=200
    ):
        """Submit an update call."""
        body = call_body(canister, method, payload, sender, effective)
        return self.post("update/submit_ingress_message", body, status)

    def query(self, canister, method, payload=b"DIDL\0\0", status=200):
        """A query call."""
        return self.post("read/query", call_body(canister, method, payload, ANONYMOUS, "None"), status)

    def manage(self, method, effective="None", **argument):
        """A call of the management canister; returns the answer's bytes."""
        answer = self.call(b"", method, encode((argument,), METHODS[method].arg_types), effective=effective)
        return base64.b64decode(answer["Ok"])

    def create_canister(self, effective="None", **argument):
        """A new canister's id."""
        # The one principal at the end of the reply: its length, then its bytes.
        reply = self.manage("provisional_create_canister_with_cycles", effective, **argument)
        return reply[-10:]

    def install(self, wasm, effective="None", arg=b""):
        """A new canister with code."""
        canister = self.create_canister(effective)
        self.manage(
            "install_code", mode={"install": None}, canister_id=Principal(canister), wasm_module=wasm, arg=arg
        )
        return canister


def call_body(canister, method, payload, sender, effective):
    """The JSON of a call."""
    return {
        "sender": b64(sender),
        "canister_id": b64(canister),
        "method": method,
        "payload": b64(payload),
        "effective_principal": effective,
    }


@pytest.fixture(scope="session")
def service():
    """A server in this process."""
    with PocketIcService(ServerOptions()) as running:
        yield running


@pytest.fixture
def client(service):
    """A client of the server."""
    with Client(service.url) as made:
        yield made


@pytest.fixture
def instance(client):
    """An instance with one application subnet."""
    made = client.create()
    yield made
    client.http.delete(made.path)
