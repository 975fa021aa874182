# ruff: noqa: T201 - a program prints
"""Stands in for the PocketIC server: its REST interface over embedded replicas, so that calls truly run.

What it does and refuses follows the server's changelog and client libraries (see `pocket_ic_server`):
an instance makes rounds only when ticked or live, its time goes forward only, a busy instance answers 409 and
a slow operation 202. What a test wants to see goes wrong is ordered by environment variables:

    STANDIN_SLOW    operations are answered 202 first, and once 404 at /read_graph
    STANDIN_BUSY    the first operation on an instance is answered 409 once
    STANDIN_REFUSE  instances are refused
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ic_harness.principal import Principal
from ic_harness.replica import HttpRequest, ManualClock, Replica, ReplicaConfig, SystemClock, serve

BIRTH_NS = 1_620_328_630_000_000_000
HOME = Principal.from_text("rwlgt-iiaaa-aaaaa-aaaaa-cai")


class RefusedError(Exception):
    """An operation that the server refuses."""


class Switch:
    """A clock that stands still until the instance is live."""

    def __init__(self):
        self.clock: ManualClock | SystemClock = ManualClock(BIRTH_NS)

    def __getattr__(self, name):
        return getattr(self.clock, name)


class Instance:
    """A replica whose rounds are held."""

    def __init__(self, config):
        if os.environ.get("STANDIN_REFUSE"):
            raise RefusedError("no more instances")
        if not (config["subnet_config_set"]["application"] or config.get("state_dir")):
            raise RefusedError("ExtendedSubnetConfigSet must contain at least one subnet")
        folder = config.get("state_dir")
        self.clock = Switch()
        self.replica = Replica(
            ReplicaConfig(
                seed=None if folder else b"stand-in",
                state_dir=Path(folder) if folder else None,
                clock=self.clock,
                sync_wait_s=0.5,
            )
        )
        self.replica.hold()
        self.busy = bool(os.environ.get("STANDIN_BUSY"))

    def get_time(self, _body):
        return {"nanos_since_epoch": max(self.clock.now_ns(), self.replica.node.state.time_ns)}

    def set_time(self, body):
        if body["nanos_since_epoch"] < self.replica.node.state.time_ns:
            raise RefusedError("SettingTimeIntoPast")
        self.replica.set_time(body["nanos_since_epoch"])

    def tick(self, body):
        if not isinstance(body, dict):
            raise RefusedError("tick takes an object")
        self.replica.tick()

    def auto_progress(self, body):
        if "artificial_delay_ms" not in body:
            raise RefusedError("auto_progress takes artificial_delay_ms")
        self.clock.clock = SystemClock()
        self.replica.release()

    def stop_progress(self, _body):
        self.clock.clock = ManualClock(self.replica.node.state.time_ns)
        self.replica.hold()


class Server:
    """Everything that the server knows."""

    def __init__(self):
        self.instances = {}
        self.gateways = {}
        self.started = {}
        self.numbers = itertools.count()
        self.lock = threading.Lock()

    def create(self, config):
        number = next(self.numbers)
        instance = self.instances[number] = Instance(config)
        home = {"default_effective_canister_id": {"canister_id": base64.b64encode(HOME.raw).decode()}}
        assert instance.replica.root_key
        return {"Created": {"instance_id": number, "topology": home | {"subnet_configs": {}}}}

    def create_gateway(self, wanted):
        number = next(self.numbers)
        instance = self.instances[wanted["forward_to"]["PocketIcInstance"]]
        gateway = self.gateways[number] = serve(instance.replica)
        return {"Created": {"instance_id": number, "port": int(gateway.url.rsplit(":", 1)[1])}}

    def delete(self, number):
        self.instances.pop(number).replica.close()

    def close(self):
        for gateway in self.gateways.values():
            gateway.stop()
        for number in list(self.instances):
            self.delete(number)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True  # with it, and headers in a packet of their own, each answer takes 40 ms
    state: Server

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        self.answer()

    do_POST = do_DELETE = do_GET  # noqa: N815 - names of http.server

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            self.route(body)
        except RefusedError as refusal:
            self.reply(400, {"message": str(refusal)})

    def reply(self, status, value):
        self.write(status, json.dumps(value).encode(), {"content-type": "application/json"})

    def write(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def route(self, body):
        for pattern, method in ROUTES:
            if match := re.fullmatch(pattern, f"{self.command} {self.path}"):
                return getattr(self, method)(*match.groups(), body)
        return self.write(404, b"", {})

    def create(self, body):
        self.reply(201, self.state.create(json.loads(body)))

    def delete(self, number, _body):
        self.state.delete(int(number))
        self.write(200, b"", {})

    def open_gateway(self, body):
        self.reply(201, self.state.create_gateway(json.loads(body)))

    def stop_gateway(self, number, _body):
        self.state.gateways.pop(int(number)).stop()
        self.reply(200, None)

    def operate(self, number, name, body):
        instance = self.state.instances[int(number)]
        if instance.busy:
            instance.busy = False
            return self.reply(409, {"state_label": "label", "op_id": "0"})
        result = getattr(instance, name)(json.loads(body) if body else None)
        if not os.environ.get("STANDIN_SLOW"):
            return self.reply(200, result)
        number = next(self.state.numbers)
        self.state.started[number] = [None, result]
        return self.reply(202, {"state_label": "label", "op_id": str(number)})

    def prune(self, number, _body):
        del self.state.started[int(number)]
        self.reply(200, None)

    def graph(self, number, _body):
        waiting = self.state.started[int(number)]
        if len(waiting) > 1:
            waiting.pop(0)
            return self.write(404, b"not yet", {})
        return self.reply(200, waiting[0])

    def interface(self, number, path, body):
        instance = self.state.instances[int(number)]
        answer = instance.replica.handle(
            HttpRequest(
                method=self.command,
                path=path,
                headers={"content-type": self.headers.get("content-type", "")},
                body=body,
            )
        )
        return self.write(answer.status, answer.body, dict(answer.headers) | {"connection": "keep-alive"})


ROUTES = (
    (r"POST /instances", "create"),
    (r"DELETE /instances/(\d+)", "delete"),
    (r"\w+ /instances/(\d+)(/api/.*)", "interface"),
    (r"GET /instances/(\d+)/read/(get_time)", "operate"),
    (r"POST /instances/(\d+)/update/(set_time|tick)", "operate"),
    (r"POST /instances/(\d+)/(auto_progress|stop_progress)", "operate"),
    (r"POST /http_gateway", "open_gateway"),
    (r"POST /http_gateway/(\d+)/stop", "stop_gateway"),
    (r"GET /read_graph/label/(\d+)", "graph"),
    (r"DELETE /prune_graph/label/(\d+)", "prune"),
)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port-file", type=Path)
    options.add_argument("--ttl", type=int)
    options.add_argument("--version", action="store_true")
    given = options.parse_args()
    if given.version:
        print("pocket-ic-server 10.0.0")
        return
    state = Handler.state = Server()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with given.port_file.open(
        "x"
    ) as file:  # as the real one, which takes an existing file for another server
        file.write(f"{server.server_address[1]}\n")
    server.serve_forever()
    server.server_close()
    state.close()
    given.port_file.unlink()


if __name__ == "__main__":
    sys.exit(main())
