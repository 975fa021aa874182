"""The same stages on the workers of a Dask cluster: the existing engine that needs no broker.

The coordinator leases files, packs about 32 MB or 32 files into a task, and submits it; a task that fails is not
repeated by Dask but comes back as tries of its files. Dask gives the tasks of a worker that is lost to another one;
if it loses those too, their leases end here. Limits are global: each task has its share of them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ic_harness.errors import InputError, NetworkError
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity

from .classify import classify
from .coordinator import note
from .embedder import Embedder
from .ledger import Ledger
from .options import Options
from .records import Lease
from .run import prepare, run_bulk
from .states import FailureClass, Stage
from .task import Place, apply_outcome, pack_task, run_task

if TYPE_CHECKING:
    from distributed import Client, Future

TASK_BYTES: Final = 32_000_000
TASK_FILES: Final = 32
_POLL_S: Final = 0.5
_LEASE_S: Final = 120.0


def run_on_dask(
    address: str,
    ledger: Ledger,
    network: Network,
    identity: Identity,
    canister: Principal,
    options: Options,
    *,
    place: Place,
    embedder: Embedder | None = None,
    capsule: str | None = None,
) -> None:
    """Run a ledger to its end on the cluster whose scheduler is at `address` (HOST:PORT).

    Raises what `run_bulk` raises, and `NetworkError` when the cluster does not answer or has no workers.
    """
    prepare(ledger, network, identity, canister, options, capsule=capsule)
    with _client(address) as client:
        _Cluster(client, ledger, options, place).run()
    if embedder is not None and options.until is Stage.EMBED:
        run_bulk(ledger, network, identity, canister, options, embedder=embedder)


@contextmanager
def _client(address: str, timeout_s: float = 10.0) -> Iterator[Client]:
    try:
        from distributed import Client  # lazy: an extra  # noqa: PLC0415
    except ImportError:
        raise InputError("Dask is not installed: pip install 'ic-harness[scale]'") from None
    try:
        client = Client(f"tcp://{address}", timeout=timeout_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NetworkError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client


class _Cluster:
    """One run on a cluster."""

    def __init__(self, client: Client, ledger: Ledger, options: Options, place: Place) -> None:
        self._client = client
        self._ledger = ledger
        self._options = options
        self._place = place
        self._pending: dict[Future, tuple[str, list[Lease]]] = {}
        self._ended = threading.Event()
        self._tasks = 0
        self._renewed = 0.0
        self._gate = 0.0
        until = options.until if options.until is not Stage.EMBED else Stage.PROCESS
        self._until: Stage = until

    def run(self) -> None:
        """Submit and collect until nothing is left."""
        stages = [Stage.UPLOAD] if self._until is Stage.UPLOAD else [Stage.UPLOAD, Stage.PROCESS]
        try:
            while True:
                self._submit(stages)
                if not self._pending and (self._options.once or self._ledger.next_due(stages) is None):
                    return
                self._collect()
        finally:
            for future, (_, leases) in self._pending.items():
                future.cancel()
                self._give_back(leases)

    # -- out ------------------------------------------------------------------------------------------------

    def _submit(self, stages: list[Stage]) -> None:
        slots = self._slots()
        while len(self._pending) < 2 * slots and self._ledger.clock() >= self._gate:
            name = f"task-{self._tasks}"
            leases = next((found for stage in stages if (found := self._take(stage, name))), [])
            if not leases:
                return
            task = pack_task(
                self._place,
                self._ledger.target(),
                leases,
                self._options.limits.share(slots),
                until=self._until,
                whole=self._options.whole,
            )
            future = self._client.submit(run_task, task, retries=0, pure=False)
            self._pending[future] = (name, leases)
            future.add_done_callback(lambda _: self._ended.set())
            self._tasks += 1

    def _slots(self) -> int:
        """How many tasks the cluster runs at once. Raises `NetworkError` when it has no workers."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        slots = sum(int(worker["nthreads"]) for worker in workers.values())
        if not slots and not self._pending:
            raise NetworkError("the Dask cluster has no workers: start some by `dask worker`")
        return max(1, slots)

    def _take(self, stage: Stage, name: str) -> list[Lease]:
        leases: list[Lease] = []
        size = 0
        while len(leases) < TASK_FILES and size < TASK_BYTES:
            more = self._ledger.lease(stage, 1, by=name, seconds=_LEASE_S)
            if not more:
                break
            leases += more
            size += more[0].file.size
        return leases

    # -- back -----------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        if not self._ended.wait(_POLL_S):
            self._renew()
            return
        self._ended.clear()
        for future in [future for future in self._pending if future.done()]:
            self._settle(future)

    def _renew(self) -> None:
        now = self._ledger.clock()
        if now - self._renewed > _LEASE_S / 4:
            self._renewed = now
            for name, _ in self._pending.values():
                self._ledger.renew(name, _LEASE_S)

    def _settle(self, future: Future) -> None:
        from distributed.scheduler import KilledWorker  # lazy: an extra  # noqa: PLC0415

        _, leases = self._pending.pop(future)
        try:
            outcomes = future.result()
        except KilledWorker as error:
            self._ledger.event("worker lost", why=str(error))
            self._give_back(leases)
        except Exception as error:  # noqa: BLE001 - whatever a worker raises becomes a try of each of its files
            for lease in leases:
                note(self._ledger, lease, classify(error), random.uniform)
        else:
            for outcome in outcomes:
                self._heed(outcome)
                apply_outcome(self._ledger, outcome, random.uniform)

    def _heed(self, outcome: dict[str, Any]) -> None:
        """A rate limit that one worker met holds for all: no task begins before its time."""
        for cls, _, retry_after in outcome["failures"].values():
            if cls == FailureClass.RATE_LIMIT and retry_after:
                self._gate = max(self._gate, self._ledger.clock() + retry_after)

    def _give_back(self, leases: list[Lease]) -> None:
        for lease in leases:
            self._ledger.give_back(lease.file.id, lease.stage)
