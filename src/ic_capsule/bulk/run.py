"""A whole run in this process: the ledger, a backend, lanes, and what was under way when the last run was killed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ic_harness.agent import AsyncAgent
from ic_harness.errors import CallTimeoutError, HarnessError, RejectError
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .coordinator import Coordinator
from .embedder import Embedder
from .ledger import Ledger
from .options import Options
from .target import Target, open_target

_THREADS: Final = 96
"""For networks that answer in threads: as many as calls may be under way, and some."""
_LOOK_UPS: Final = 8


def run_bulk(
    ledger: Ledger,
    network: Network,
    identity: Identity,
    canister: Principal,
    options: Options,
    *,
    embedder: Embedder | None = None,
    capsule: str | None = None,
) -> None:
    """Run a ledger to its end. `run_bulk_async` says more; this one is for code that is not asynchronous."""
    asyncio.run(
        run_bulk_async(ledger, network, identity, canister, options, embedder=embedder, capsule=capsule)
    )


async def run_bulk_async(
    ledger: Ledger,
    network: Network,
    identity: Identity,
    canister: Principal,
    options: Options,
    *,
    embedder: Embedder | None = None,
    capsule: str | None = None,
) -> None:
    """Run a ledger to its end: every file is done, or a dead letter, or (with `once`) waits for a later try.

    Cancelling it, as Ctrl-C does, leaves a ledger that the next run continues. Raises `StateError` when another
    process runs the ledger, `InputError` when it belongs to another backend, and what opening the backend raises.
    """
    ledger.coordinate()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    agent = network.async_agent(identity)

    def told(kind: str, data: dict[str, Any]) -> None:
        ledger.event(kind, **data)

    async with open_target(
        ledger, agent, canister, network=network.name, limits=options.limits, told=told, capsule=capsule
    ) as target:
        await look_up_requests(ledger, target)
        await Coordinator(ledger, target, options, embedder).run()


def prepare(
    ledger: Ledger,
    network: Network,
    identity: Identity,
    canister: Principal,
    options: Options,
    *,
    capsule: str | None = None,
) -> None:
    """Do what comes before the first file: own the ledger, bind it to its backend, look up requests of the last run."""

    async def open_and_look() -> None:
        agent = network.async_agent(identity)
        async with open_target(
            ledger,
            agent,
            canister,
            network=network.name,
            limits=options.limits,
            told=lambda _kind, _data: None,
            capsule=capsule,
        ) as target:
            await look_up_requests(ledger, target)

    ledger.coordinate()
    asyncio.run(open_and_look())


async def look_up_requests(ledger: Ledger, target: Target) -> None:
    """Look up by its request id every update that was under way when the last run ended, and wait for its end.

    Afterwards nothing of the last run is executed any more, so what is repeated now cannot overtake it.
    """
    rows = ledger.rows("SELECT request_id, method, file FROM request WHERE file IS NOT NULL")
    room = asyncio.Semaphore(_LOOK_UPS)

    async def look_up(request_id: bytes, method: str, file: int) -> None:
        async with room:
            outcome = await _outcome(target.agent, target.backend.canister_id, request_id)
        ledger.event("looked up", file, method=method, outcome=outcome)
        ledger.request_answered(request_id)

    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(look_up(bytes(row["request_id"]), row["method"], row["file"]))


async def _outcome(agent: AsyncAgent, canister: Principal, request_id: bytes) -> str:
    """Replied, rejected, or unknown: never received, or too long ago."""
    path = (b"request_status", request_id, b"status")
    pause = 0.05
    while True:
        try:
            certificate = await agent.read_state([path[:2]], canister)
        except (RejectError, CallTimeoutError) as error:
            return str(error)
        except HarnessError as error:
            return f"not known: {error}"
        status = certificate.lookup_value(path)
        if status not in (b"received", b"processing"):
            return "unknown" if status is None else status.decode(errors="replace")
        await asyncio.sleep(pause)
        pause = min(2 * pause, 1.0)
