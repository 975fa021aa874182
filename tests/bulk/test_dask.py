"""Three Dask workers in processes of their own; one is killed while it works, and every file is stored once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.bulk import (
    UNPACED,
    Ledger,
    LedgerView,
    Options,
    Place,
    Stage,
    State,
    add_paths,
    engine_dask,
    run_on_dask,
)
from ic_harness.agent import Management
from ic_harness.errors import InputError, NetworkError
from ic_harness.networks import connect
from ic_harness.protocol import Ed25519Identity, dump_pem

from .support import WHOLE, assets, memories, originals, served, write_photos

SCHEDULER = """
import asyncio
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""
WORKER = """
import asyncio, os, sys
from distributed import Worker
async def main():
    async with Worker(sys.argv[1], nthreads=1, dashboard=False, local_directory=sys.argv[2]) as worker:
        print(os.getpid(), flush=True)
        await worker.finished()
asyncio.run(main())
"""


@contextmanager
def process(*arguments):
    """A Python program and the first line that it prints; it is killed at the end."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
        finally:
            child.kill()


@contextmanager
def cluster(folder, workers):
    """The address of a scheduler, and the process ids of its workers."""
    with ExitStack() as stack:
        address = stack.enter_context(process("-c", SCHEDULER))
        pids = [
            int(stack.enter_context(process("-c", WORKER, address, str(folder / f"worker{number}"))))
            for number in range(workers)
        ]
        yield address.removeprefix("tcp://"), pids


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(tmp_path):
    """Of three workers one is killed when some files are done; all files are stored once, with four assets."""
    pytest.importorskip("distributed")
    write_photos(tmp_path / "photos", 90)
    identity = Ed25519Identity.generate()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "identity.pem").write_bytes(dump_pem(identity))
    path = tmp_path / "bulk.sqlite"
    with (
        served() as url,
        connect(url, deployer=identity) as network,
        cluster(tmp_path, 3) as (address, workers),
        Ledger.open(path, create=True) as ledger,
    ):
        add_paths(ledger, [tmp_path / "photos"])
        canister = network.deploy(reference_wasm())
        killer = threading.Thread(target=kill_when_begun, args=(workers[0], network, canister))
        killer.start()
        place = Place(network=url, identity=None, state_dir=str(tmp_path / "state"))
        run_on_dask(
            address,
            ledger,
            network,
            identity,
            canister,
            Options(until=Stage.PROCESS, limits=UNPACED),
            place=place,
        )
        killer.join()
        with LedgerView.open(path) as view:
            stats = view.stats()
            assert stats.count(Stage.PROCESS, State.DONE) == 90
            found = memories(network, identity, view)
        assert set(originals(found).values()) == {1}
        assert len(originals(found)) == 90
        assert {tuple(assets(memory)) for memory in found} == {tuple(WHOLE)}


def kill_when_begun(pid, network, canister):
    """Kill a process when the canister holds more than at first: uploads are under way."""
    management = Management(network.agent(network.deployer))
    before = management.canister_status(canister)["memory_size"]
    while management.canister_status(canister)["memory_size"] < before + 500_000:
        pass
    os.kill(pid, signal.SIGKILL)


def test_what_cannot_travel_is_refused():
    """A network inside this process and a key itself are refused before anything is submitted."""
    with pytest.raises(InputError, match="replica start"):
        Place(network="embedded", identity=None, state_dir="state")
    with pytest.raises(InputError, match="does not travel"):
        Place(network="ic", identity="-----BEGIN PRIVATE KEY-----", state_dir="state")


def test_a_scheduler_that_is_not_there_is_named(unused_port):
    """The error says where no scheduler answered."""
    pytest.importorskip("distributed")
    with (
        pytest.raises(NetworkError, match=str(unused_port)),
        engine_dask._client(f"127.0.0.1:{unused_port}", 0.2),
    ):
        pass
