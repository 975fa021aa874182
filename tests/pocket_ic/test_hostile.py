"""Clients that mean no good or go away: what they leave behind, and what others notice of them."""

from __future__ import annotations

import base64
import gzip
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from ic_harness.pocket_ic import PocketIcService, ServerOptions
from tests.networks.conftest import COUNTER

from .conftest import Client, b64, wat
from .test_server import started

LOOP = """(module (import "ic0" "msg_reply" (func $reply)) (memory 1)
  (func (export "canister_update spin") (local $left i64)
    (local.set $left (i64.const 100000000))
    (loop $again (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br_if $again (i64.ne (local.get $left) (i64.const 0))))
    (call $reply)))"""
SILENT_CLIENTS = 40


def count(answer):
    """The number in a counter's answer."""
    return int.from_bytes(base64.b64decode(answer["Ok"])[-4:], "little")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"no gzip at all", "incorrect header check"),
        (gzip.compress(b"x" * 100, mtime=0)[:-12], "the gzip stream is cut off"),
        (b"", "the gzip stream is cut off"),
    ],
    ids=["no gzip", "cut off", "empty"],
)
def test_bad_gzip_is_refused(client, instance, content, text):
    """A blob that says gzip and is none is refused when it is used; the canister keeps its memory."""
    counter = instance.install(wat(COUNTER))
    key = client.http.post("/blobstore", content=content, headers={"content-encoding": "gzip"}).text
    blob = {"canister_id": b64(counter), "blob_id": b64(bytes.fromhex(key))}
    message = instance.post("update/set_stable_memory", blob, status=400)["message"]
    assert message.startswith("Decompression failed")
    assert text in message
    assert instance.post("read/get_stable_memory", {"canister_id": b64(counter)}) == {"blob": ""}


def test_silent_clients_keep_nobody_waiting(service, client, instance):
    """Connections that send half a head and wait take nothing from others."""
    where = urlsplit(service.url)
    counter = instance.install(wat(COUNTER))
    with ExitStack() as silent:
        for _ in range(SILENT_CLIENTS):
            connection = silent.enter_context(socket.create_connection((where.hostname, where.port)))
            connection.sendall(b"POST /instances HTTP/1.1\r\nhost: x\r\ncontent-le")
        assert count(instance.call(counter, "increment")) == 1
        assert client.get("/instances")[instance.number] == "Available"


def test_requests_of_one_instance_at_once(service, instance):
    """Operations that arrive at the same time are carried out one after the other, and none is lost."""
    counter = instance.install(wat(COUNTER))
    seen: list[int] = []

    def work():
        with Client(service.url) as own:
            mine = type(instance)(own, instance.number, instance.topology)
            seen.extend(count(mine.call(counter, "increment")) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 31))


def test_instance_deleted_within_a_call(service, client):
    """Deleting waits for the operation that is under way; the call is answered, later requests are not."""
    made = client.create()
    spinner = made.install(wat(LOOP))
    submitted = made.submit(spinner, "spin")["Ok"]
    answers = []

    def wait():
        with Client(service.url) as own:
            answer = own.http.post(f"{made.path}/update/await_ingress_message", json=submitted)
            answers.append(answer.status_code)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert client.http.delete(made.path).status_code == 200
    waiting.join()
    assert answers in ([200], [404])  # 404 where the deletion was first
    assert client.get(f"{made.path}/read/get_time", 404)["message"].startswith("Instance ")
    assert client.http.delete(made.path).status_code == 404


CLIENT = """
import httpx, os, signal, sys
print("ready", flush=True)
url, state = sys.stdin.readline().split()
wanted = {
    "subnet_config_set": {"application": [{"state_config": "New"}]}, "state_dir": state,
    "http_gateway_config": {}, "initial_time": {"AutoProgress": {}},
}
made = httpx.Client(base_url=url, trust_env=False, timeout=60).post("/instances", json=wanted)
print(made.json()["Created"]["http_gateway_info"]["port"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_dead_client_leaves_nothing(tmp_path):
    """A client is killed with a live instance and a gateway: the server ends after its time to live."""
    command = [sys.executable, "-c", CLIENT]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "ready\n"
        with started(tmp_path, "--ttl", "10") as (process, url):
            gateway, _ = dying.communicate(f"{url} {tmp_path / 'state'}\n")
            assert dying.returncode == -signal.SIGKILL
            assert process.wait(120) == 0
    assert not (tmp_path / "port").exists()
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", int(gateway)))
    with PocketIcService(ServerOptions()) as service, Client(service.url) as later:
        again = later.create({}, state_dir=str(tmp_path / "state"))
        assert again.create_canister()


def test_interrupted_while_it_executes(tmp_path):
    """Ctrl-C within a call ends the server with status 0; the state folder can be opened again."""
    with started(tmp_path) as (process, url), Client(url) as client:
        made = client.create(state_dir=str(tmp_path / "state"))
        spinner = made.install(wat(LOOP))
        submitted = made.submit(spinner, "spin")["Ok"]
        waiting = threading.Thread(target=_ignore_failure, args=(url, made.path, submitted))
        waiting.start()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        waiting.join()
    with PocketIcService(ServerOptions()) as service, Client(service.url) as later:
        again = later.create({}, state_dir=str(tmp_path / "state"))
        assert again.post("read/get_cycles", {"canister_id": b64(spinner)})["cycles"] > 0


def _ignore_failure(url, path, submitted):
    """Wait for a call on a server that ends meanwhile: an answer, or a connection that breaks."""
    with Client(url) as client:
        try:
            client.http.post(f"{path}/update/await_ingress_message", json=submitted)
        except httpx.TransportError:
            return


def test_version_loads_no_replica():
    """Clients ask for the version before each start: that loads neither the replica nor the HTTP server."""
    script = (
        "import sys\nfrom ic_harness.pocket_ic import main\nsys.argv = ['pocket-ic-server', '--version']\n"
        "try:\n    main.main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith(('ic_harness.replica', 'uvicorn', 'wasmtime'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["pocket-ic-server 16.1.0", "[]"]
