"""The program: arguments, port file, time to live, signals; and requests of clients that mean no good."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ic_harness.errors import InputError, ReplicaError
from ic_harness.networks.deadline import Deadline
from ic_harness.pocket_ic import PocketIcService, ServerOptions, install
from tests.networks.conftest import COUNTER

from .conftest import APPLICATION, Client, b64, call_body, wat

PROGRAM = [sys.executable, "-m", "ic_harness.pocket_ic.main"]


@contextmanager
def started(folder, *arguments, program=PROGRAM):
    """The program with a port file; yields the process and its URL."""
    port_file = folder / "port"
    with subprocess.Popen(
        [*program, "--port-file", str(port_file), *arguments], stderr=subprocess.PIPE
    ) as process:
        try:
            text = Deadline(60.0).wait_for(lambda: content(port_file))
            assert text is not None, "the server wrote no port"
            yield process, f"http://127.0.0.1:{int(text)}"
        finally:
            process.kill()


def content(path):
    """What a port file holds, once it ends with a newline."""
    text = path.read_text() if path.exists() else ""
    return text if text.endswith("\n") else None


def test_version_is_what_the_crate_wants():
    """`--version` prints name and version; a variable sets another one."""
    asked = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert asked.stdout == "pocket-ic-server 16.1.0\n"
    other = {**os.environ, "IC_HARNESS_POCKET_IC_VERSION": "13.0.0"}
    asked = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True, env=other)
    assert asked.stdout == "pocket-ic-server 13.0.0\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(tmp_path, number):
    """A signal ends the server with status 0: instances are saved, the port file is gone."""
    with started(tmp_path) as (process, url):
        with Client(url) as client:
            made = client.create(state_dir=str(tmp_path / "state"))
            counter = made.install(wat(COUNTER))
        process.send_signal(number)
        assert process.wait(60) == 0
    assert not (tmp_path / "port").exists()
    with PocketIcService(ServerOptions()) as service, Client(service.url) as client:
        again = client.create({}, state_dir=str(tmp_path / "state"))
        assert again.post("read/get_cycles", {"canister_id": b64(counter)})["cycles"] > 0


def test_killed_server_leaves_its_state(tmp_path):
    """After SIGKILL an instance goes on from its folder: rounds that were answered are there."""
    with started(tmp_path) as (process, url):
        with Client(url) as client:
            made = client.create(state_dir=str(tmp_path / "state"))
            counter = made.install(wat(COUNTER))
            made.call(counter, "increment")
        process.kill()
        process.wait()
    with PocketIcService(ServerOptions()) as service, Client(service.url) as client:
        again = client.create({}, state_dir=str(tmp_path / "state"))
        assert again.call(counter, "increment")["Ok"] == b64(b"DIDL\0\1\x79\2\0\0\0")


def test_existing_port_file_means_another_server(tmp_path):
    """With the port file there already the program ends at once with status 0 and leaves the file alone."""
    (tmp_path / "port").write_text("1\n")
    done = subprocess.run([*PROGRAM, "--port-file", str(tmp_path / "port")], timeout=60, check=False)
    assert done.returncode == 0
    assert (tmp_path / "port").read_text() == "1\n"


def test_idle_server_ends(tmp_path):
    """Without requests the server ends after its time to live, and `--hard-ttl` ends it in any case."""
    for arguments in (["--ttl", "1"], ["--hard-ttl", "1"]):
        with started(tmp_path, *arguments) as (process, _):
            assert process.wait(60) == 0
        assert not (tmp_path / "port").exists()


def test_port_in_use_is_told(tmp_path):
    """An address that is taken ends the program with status 1 and a sentence; no port file stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        file = tmp_path / "port"
        done = subprocess.run(
            [*PROGRAM, "-p", port, "--port-file", str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr[:50]) == (
            1,
            f"pocket-ic-server: cannot listen on 127.0.0.1:{port}"[:50],
        )
        assert not file.exists()
        with pytest.raises(ReplicaError, match="cannot listen on"):
            PocketIcService(ServerOptions(port=int(port)))


@pytest.mark.parametrize("arguments", [["--port", "65536"], ["--ttl", "-1"], ["--ttl", "x"], ["--nothing"]])
def test_wrong_arguments_are_told(arguments):
    """Arguments that mean nothing end with status 2."""
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, "error:" in done.stderr) == (2, True)


def test_executable_is_accepted_by_clients(tmp_path):
    """The installed file is a program called pocket-ic that ends by SIGTERM, written twice without harm."""
    assert install(tmp_path / "bin") == install(tmp_path / "bin")
    program = tmp_path / "bin" / "pocket-ic"
    with started(tmp_path, program=[str(program)]) as (process, url):
        assert httpx.get(f"{url}/status").content == b""
        process.terminate()
        assert process.wait(60) == 0
    program.write_text("something else")
    with pytest.raises(InputError, match="is another program"):
        install(tmp_path / "bin")
    assert program.read_text() == "something else"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/instances", b"{"),
        ("/instances", b"\xff\xfe"),
        ("/instances", b"[" * 100_000),
        ("/instances/0/update/tick", b"3"),
        ("/instances/0/update/set_time", b'{"nanos_since_epoch": -1}'),
        ("/instances/0/update/set_time", b'{"nanos_since_epoch": 1e400}'),
        ("/instances/0/update/set_time", b'{"nanos_since_epoch": true}'),
        ("/instances/0/update/set_time", b'{"nanos_since_epoch": 18446744073709551616}'),
        ("/instances/0/update/set_time", b'{"nanos_since_epoch": 18446744073709551615}'),
        ("/instances/0/read/get_cycles", b'{"canister_id": "not base64!"}'),
        ("/instances/0/read/get_cycles", b'{"canister_id": "%s"}' % (b"A" * 64)),
        ("/instances/0/update/await_ingress_message", b'{"message_id": "AAAA"}'),
        ("/instances/0/update/await_ingress_message", b'{"message_id": {"a": []}}'),
        ("/instances/0/update/submit_ingress_message", b"{}"),
        ("/instances/0/update/set_stable_memory", b'{"canister_id": "AAAAAAAAAAABAQ==", "blob_id": "AA=="}'),
        ("/instances/0/update/mock_canister_http", b'{"subnet_id": {"subnet_id": "AA=="}, "request_id": 1}'),
        ("/instances/0/auto_progress", b'{"artificial_delay_ms": "soon"}'),
        ("/instances/0/update/delete_subnet", b"{}"),
        ("/instances/999/update/tick", b"{}"),
        ("/instances/-1/update/tick", b"{}"),
        ("/instances/9999999999999999999999/update/tick", b"{}"),
        ("/http_gateway", b'{"forward_to": {"Replica": "http://127.0.0.1:1"}}'),
        ("/http_gateway/7/stop", b""),
        ("/read_graph/x/y", b""),
        ("/nothing", b""),
    ],
)
def test_bad_requests_are_answered(service, path, body):
    """Whatever a client sends, it gets a status of its own fault and a text, and the server goes on."""
    with Client(service.url) as client:
        made = client.create()
        path = path.replace("/instances/0/", f"{made.path}/")
        answer = client.http.post(path, content=body, headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500
        assert answer.json().get("message") or answer.json()["Error"]["message"]
        assert client.http.delete(made.path).status_code == 200
        assert client.get(f"{made.path}/read/get_time", 404)["message"]


def test_large_bodies(service):
    """Calls beyond 2 MiB and interface requests beyond 4 MiB are refused; both leave the instance as it was."""
    with Client(service.url) as client:
        made = client.create()
        counter = made.install(wat(COUNTER))
        refused = made.submit(counter, "increment", bytes(2 * 1024 * 1024 + 1), status=400)["message"]
        assert refused.startswith('BadIngressMessage("The payload of the call has 2097153 bytes')
        body = bytes(4 * 1024 * 1024 + 1)
        path = f"{made.path}/api/v2/canister/aaaaa-aa/call"
        headers = {"content-type": "application/cbor"}
        assert client.http.post(path, content=body, headers=headers).status_code == 413
        assert made.call(counter, "increment")["Ok"] == b64(b"DIDL\0\1\x79\1\0\0\0")
        client.http.delete(made.path)


def test_clients_that_go_away(service):
    """A client that leaves in the middle of a request costs the others nothing."""
    where = urlsplit(service.url)
    with Client(service.url) as client:
        made = client.create()
        counter = made.install(wat(COUNTER))
        half = b"POST /instances HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"
        whole = client.http.build_request(
            "POST", f"{made.path}/update/submit_ingress_message",
            json=call_body(counter, "increment", b"DIDL\0\0", b"\4", "None"),
        )  # fmt: skip
        head = f"POST {whole.url.path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(whole.content)}\r\n\r\n"
        for text in (half, head.encode() + whole.content):
            with socket.create_connection((where.hostname, where.port)) as leaving:
                leaving.sendall(text)
        assert made.post("update/tick", {}) is None
        assert client.http.delete(made.path).status_code == 200


def test_deleted_while_others_wait(service):
    """Requests that wait for an instance that is deleted meanwhile are told so."""
    with Client(service.url) as client:
        made = client.create()
        instance = service._instances.find(made.number)
        with instance.turn:
            pending = httpx.Request("GET", f"{service.url}{made.path}/_/topology")
            assert client.http.send(pending).status_code == 200  # the topology does not wait
            service._instances._remove(made.number)
        assert client.get(f"{made.path}/read/get_time", 404)["message"].startswith("Instance ")
        instance.close()


def test_two_servers_share_nothing():
    """Two servers in one process have numbers, blobs and gateways of their own."""
    with (
        PocketIcService(ServerOptions()) as first,
        PocketIcService(ServerOptions()) as second,
        Client(first.url) as one,
        Client(second.url) as other,
    ):
        key = one.http.post("/blobstore", content=b"x").text
        assert other.http.get(f"/blobstore/{key}").status_code == 404
        assert [one.create(APPLICATION).number, other.create(APPLICATION).number] == [0, 0]
        assert one.http.get("/blobstore/zz").status_code == 400
        encoded = one.http.post("/blobstore", content=b"x", headers={"content-encoding": "br"})
        assert encoded.json()["message"] == "Bad encoding: Only 'gzip' content encoding is supported"


def test_script_is_a_console_script():
    """The distribution declares the program under the name that clients look for."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert 'pocket-ic-server = "ic_harness.pocket_ic.main:main"' in text
