"""Figures of the embedded replica: calls by every way in, snapshots, and two canisters on two cores."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import wasmtime
from _figures import show, timed, typical

from ic_capsule.backend import Backend, reference_wasm
from ic_harness import candid
from ic_harness.agent import Agent, HttpTransport
from ic_harness.networks import EmbeddedNetwork, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import Replica, ReplicaConfig, serve

EMPTY = candid.encode((), ())
CHUNK = 1_800_000
START = """
import time
start = time.perf_counter()
from ic_harness.networks import embedded
from ic_capsule.backend import reference_wasm
from ic_harness.candid import encode
with embedded() as network:
    canister = network.deploy(reference_wasm())
    network.agent().query(canister, "whoami", encode((), ()))
    print(time.perf_counter() - start)
"""
WORK = """(module (import "ic0" "msg_reply" (func $reply))
  (func (export "canister_update nothing") (call $reply))
  (func (export "canister_query nothing_to_ask") (call $reply))
  (func $spin (param $most i32) (local $i i32)
    (loop (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $most))))
    (call $reply))
  (func (export "canister_update work_1") (call $spin (i32.const 170000)))
  (func (export "canister_update work_10") (call $spin (i32.const 1700000))))"""


def start_up() -> None:
    """From a new process to its first answer, and further networks in the same process."""
    with tempfile.TemporaryDirectory() as folder:
        # With byte code, as an installed package has it, also where the environment forbids to write any.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = folder
        command = [sys.executable, "-c", START]
        seconds = [float(subprocess.check_output(command, env=env)) for _ in range(4)][1:]
    show("start of a process to its first answer, warm module cache", median(seconds) * 1e3, most=500)
    show("another network in the same process", typical(lambda: embedded().close(), 20) * 1e3, most=20)


@contextmanager
def opened() -> Iterator[tuple[Replica, EmbeddedNetwork, Principal]]:
    """A replica with a canister that does next to nothing."""
    with Replica(ReplicaConfig()) as replica:
        network = EmbeddedNetwork(replica)
        yield replica, network, network.deploy(bytes(wasmtime.wat2wasm(WORK)))


def small_calls() -> None:
    """Empty updates and queries, by the test API, in process, and over HTTP."""
    identity = Ed25519Identity.generate()
    with opened() as (replica, network, canister), serve(replica) as server:
        caller = identity.principal
        test_api = typical(lambda: replica.execute_update(caller, canister, "nothing", EMPTY), 500)
        show("empty update by the test API", test_api * 1e3, most=0.3)
        agent = network.agent(identity)
        update = typical(lambda: agent.update(canister, "nothing", EMPTY), 300)
        show("empty update in process, signed, certificate verified", update * 1e3, most=2)
        remote = Agent(HttpTransport(server.url), identity)
        remote.update(canister, "nothing", EMPTY)
        update = typical(lambda: remote.update(canister, "nothing", EMPTY), 300)
        show("empty update over HTTP, signed, certificate verified", update * 1e3, most=6)
        remote.query(canister, "nothing_to_ask", EMPTY)
        query = typical(lambda: remote.query(canister, "nothing_to_ask", EMPTY), 300)
        show("empty query over HTTP, node signature verified", query * 1e3, most=3)
        remote.close()


def chunks_and_snapshots() -> None:
    """Chunks of 1.8 MB over HTTP, and restoring the backend, fresh and full."""
    data = os.urandom(CHUNK)
    with Replica(ReplicaConfig()) as replica, serve(replica) as server:
        network = EmbeddedNetwork(replica)
        canister = network.deploy(reference_wasm())
        backend = Backend(Agent(HttpTransport(server.url), Ed25519Identity.generate()), canister)
        fresh = replica.snapshot()
        fill = _filler(backend, data)
        show("1.8 MB uploads_put_chunk over HTTP", median(timed(fill) for _ in range(20)) * 1e3, most=30)
        show(
            "restore of the freshly deployed backend, after 36 MB",
            timed(lambda: replica.restore(fresh)) * 1e3,
        )

        def call_and_restore() -> None:
            backend.capsules_create(None)
            replica.restore(fresh)

        small = typical(call_and_restore, 20)
        alone = typical(lambda: backend.capsules_create(None), 20)
        show("restore of the freshly deployed backend, after a call", max(0.0, small - alone) * 1e3, most=3)
        replica.restore(fresh)
        fill = _filler(backend, data)
        for _ in range(56):
            fill()
        full = replica.snapshot()
        seconds = []
        for _ in range(10):
            fill()
            seconds.append(timed(lambda: replica.restore(full)))
            fill = _filler(backend, data)
        show("restore of the backend with 100 MB of blobs, after a chunk", median(seconds) * 1e3, most=10)


def _filler(backend: Backend, data: bytes) -> Callable[[], object]:
    capsule = backend.capsules_create(None).id
    session = backend.uploads_begin(capsule, 1000, os.urandom(8).hex())
    index = iter(range(1000))
    return lambda: backend.uploads_put_chunk(session, next(index), data)


def two_cores() -> None:
    """A thousand updates to one canister, and to each of two: as much work as `memories_create` is, and less."""
    with opened() as (replica, network, first):
        second = network.deploy(bytes(wasmtime.wat2wasm(WORK)))

        def run(method: str, canisters: list[Principal]) -> float:
            def act() -> None:
                pending = [
                    replica.submit_update(Principal.anonymous(), canister, method, EMPTY)
                    for _ in range(1000)
                    for canister in canisters
                ]
                for finish in pending:
                    finish()

            act()
            return typical(act, 3)

        for millions, budget in ((10, 0.65), (1, None)):
            method = f"work_{millions}"
            one, two = run(method, [first]), run(method, [first, second])
            show(f"1,000 updates of {millions} M instructions to one canister", one * 1e3)
            show(
                "  and to each of two at once, in shares of twice that time", two / (2 * one), "", most=budget
            )


if __name__ == "__main__":
    print("replica")
    start_up()
    small_calls()
    chunks_and_snapshots()
    two_cores()
