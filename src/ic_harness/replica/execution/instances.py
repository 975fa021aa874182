"""The live Wasm instances: one a canister, loaded when it is first needed.

A canister's lock is held while its code runs or what its code sees changes, a message at a time, so
that queries run between updates and never beside one of the same canister.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

from ic_harness.errors import ReplicaError, StateError
from ic_harness.replica.execution import Engine, Instance, Module
from ic_harness.replica.execution.interruption import Interruption
from ic_harness.replica.state.memory_image import SparseBytes, StateImage
from ic_harness.replica.state.rejects import name
from ic_harness.replica.state.replicated_state import Canister


class Blobs(Protocol):
    """Content named by its SHA-256: modules, chunks, memories of snapshots."""

    def put(self, content: bytes | SparseBytes) -> bytes:
        """Keep `content`; returns its hash."""

    def get(self, digest: bytes) -> bytes:
        """Return the content with this hash. Raises `StateError` when it is not there."""

    def get_sparse(self, digest: bytes) -> SparseBytes:
        """Return the content with this hash without its zeros. Raises `StateError` when it is not there."""

    def read(self, digest: bytes, offset: int, size: int) -> bytes:
        """Return a part of the content with this hash. Raises `StateError` when it is not there."""

    def size(self, digest: bytes) -> int:
        """Return the length in bytes of the content with this hash. Raises `StateError` when it is not there."""


class InstancePool:
    """The live instances of all canisters.

    `load` returns the memory of a canister that was installed before this process started, or None.
    """

    def __init__(
        self, engine: Engine, blobs: Blobs, load: Callable[[bytes], StateImage | None] | None = None
    ) -> None:
        self.engine = engine
        self.interruption = Interruption(engine.interrupts)
        self.blobs = blobs
        self._load = load
        self._closed = False
        self._instances: dict[bytes, Instance] = {}
        self._modules: dict[bytes, Module] = {}
        self._locks: defaultdict[bytes, threading.RLock] = defaultdict(threading.RLock)

    def lock(self, canister_id: bytes) -> threading.RLock:
        """The lock of one canister."""
        return self._locks[canister_id]

    def module(self, canister: Canister) -> Module:
        """The compiled module of an installed canister."""
        module = self._modules.get(canister.module_hash)
        if module is None:
            module = self.engine.compile(self.blobs.get(canister.module_hash))
            self._modules[canister.module_hash] = module
        return module

    def compile(self, wasm: bytes) -> Module:
        """Compile a module that may be installed soon. Raises `ModuleInvalid`."""
        module = self.engine.compile(wasm)
        return self._modules.setdefault(module.wasm_hash, module)

    def instance(self, canister: Canister) -> Instance:
        """The live instance of an installed canister; the caller holds its lock.

        Raises `StateError` when its memory is missing, `ReplicaError` after `close`.
        """
        if self._closed:
            raise ReplicaError("the replica is closed")
        instance = self._instances.get(canister.id)
        if instance is None:
            image = self._load(canister.id) if self._load is not None else None
            if image is None:
                raise StateError(f"the memory of canister {name(canister.id)} is missing from the state")
            instance = self.engine.load_state(self.module(canister), image)
            self._instances[canister.id] = instance
        return instance

    def export_state(self, canister: Canister) -> StateImage:
        """Return the memory of an installed canister without its zeros; waits for a query of it that runs."""
        with self.lock(canister.id):
            return self.instance(canister).export_state()

    def live(self, canister_id: bytes) -> Instance | None:
        """The instance if it is loaded already."""
        return self._instances.get(canister_id)

    def put(self, canister_id: bytes, instance: Instance) -> None:
        """Make `instance` the one of the canister; the old one must be closed by the caller."""
        self._instances[canister_id] = instance

    def lend(self, canister: Canister) -> Instance:
        """Give the live instance to an execution of its own; others get a second view of the committed state.

        The caller holds the lock, and gives the instance back by `take_back` before anything of it is committed.
        """
        own = self.instance(canister)
        self._instances[canister.id] = own.fork()
        return own

    def take_back(self, canister_id: bytes, own: Instance) -> None:
        """Make an instance that was lent the one of the canister again; the caller holds its lock."""
        view = self._instances.get(canister_id)
        self._instances[canister_id] = own
        if view is not None:
            view.close()

    def move(self, canister: Canister, new: bytes) -> None:
        """Give the live instance of an installed canister to another id; the caller holds the locks of both."""
        self._instances[new] = self.instance(canister)
        del self._instances[canister.id]

    def drop(self, canister_id: bytes) -> None:
        """Forget and close the instance of a canister."""
        instance = self._instances.pop(canister_id, None)
        if instance is not None:
            instance.close()

    def keep_only(self, canister_ids: Iterable[bytes]) -> None:
        """Drop the instances of all other canisters."""
        for canister_id in set(self._instances) - set(canister_ids):
            with self.lock(canister_id):
                self.drop(canister_id)

    def close(self) -> None:
        """Close all instances; a query that still runs ends first."""
        self._closed = True
        for canister_id in list(self._instances):
            with self.lock(canister_id):
                self.drop(canister_id)
