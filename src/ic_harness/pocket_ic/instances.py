"""The instances of a server: made, found, deleted. Numbers count up from 0 and are never used again."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import HarnessError
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.blobs import BlobStore
from ic_harness.pocket_ic.gateways import Gateways, reserve
from ic_harness.pocket_ic.instance import Instance
from ic_harness.pocket_ic.settings import InstanceSettings
from ic_harness.replica import LogLine
from ic_harness.text import clean

LOG: Final = logging.getLogger("ic_harness.pocket_ic")
MAX_INSTANCES: Final = 10_000
"""Instances at the same time, each of which holds a thread and its state."""


class Instances:
    """All instances of a server, with its blob store and gateways. Thread-safe.

    `busy` makes the context within which gateways answer requests. `icp_folder` has modules for `icp_features`.
    """

    def __init__(
        self, busy: Callable[[], AbstractContextManager[None]], icp_folder: Path | None = None
    ) -> None:
        self._icp_folder = icp_folder
        self.blobs = BlobStore()
        self.gateways = Gateways(busy)
        self._instances: dict[int, Instance] = {}
        self._made = 0
        self._closed = False
        self._lock = threading.Lock()

    def create(self, body: Any) -> dict[str, Any]:
        """Make an instance; returns the `Created` of the answer. Raises `ApiError`."""
        settings = InstanceSettings.parse(body, self._icp_folder)
        if len(self._instances) >= MAX_INSTANCES:
            raise ApiError(f"There are {MAX_INSTANCES} instances already; delete some of them")
        with ExitStack() as undo:
            listener: socket.socket | None = None
            if settings.gateway is not None:
                # Before there is an instance, as with PocketIC: for a port that is in use nothing is made.
                listener = reserve(settings.gateway)
                undo.callback(listener.close)
            instance = Instance(settings, self.blobs, print_line)
            undo.callback(instance.close)
            number = self._add(instance)
            undo.callback(self._remove, number)
            created: dict[str, Any] = {"instance_id": number, "topology": instance.topology()}
            port: int | None = None
            if settings.gateway is not None:
                undo.callback(self.gateways.stop_all, number)
                gateway, port = self.gateways.start(number, instance, settings.gateway, listener)
                created["http_gateway_info"] = {"instance_id": gateway, "port": port}
            instance.install_features(port)
            if settings.live is not None:
                instance.auto_progress(settings.live)
            undo.pop_all()
        return created

    def _add(self, instance: Instance) -> int:
        with self._lock:
            if self._closed:
                raise ApiError("The server is stopping", 503)
            number, self._made = self._made, self._made + 1
            self._instances[number] = instance
            return number

    def _remove(self, number: int) -> Instance | None:
        with self._lock:
            return self._instances.pop(number, None)

    def find(self, number: int) -> Instance:
        """The instance with this number. Raises `ApiError` 404."""
        with self._lock:
            instance = self._instances.get(number)
        if instance is None:
            raise ApiError(f"Instance {number} was deleted or never existed", 404)
        return instance

    def delete(self, number: int) -> None:
        """Delete an instance with its gateways, after the operation that is under way. Raises `ApiError` 404."""
        instance = self._remove(number)
        if instance is None:
            raise ApiError(f"Instance {number} was deleted or never existed", 404)
        self.gateways.stop_all(number)
        instance.close()

    def names(self) -> list[str]:
        """The state of every instance that was ever made, by number."""
        with self._lock:
            return ["Available" if number in self._instances else "Deleted" for number in range(self._made)]

    def close(self) -> None:
        """Delete everything; state folders are complete afterwards. One that fails does not keep the others."""
        with self._lock:
            self._closed = True
            instances, self._instances = self._instances, {}
        self.gateways.stop_all()
        for number, instance in instances.items():
            try:
                instance.close()
            except (HarnessError, OSError):
                LOG.exception("instance %d was not closed", number)


def print_line(line: LogLine) -> None:
    """Write what a canister printed to standard error, in the form that clients of PocketIC parse."""
    text = clean(line.content.decode(errors="replace"))
    try:
        sys.stderr.write(f"[Canister {line.canister}] {text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader of our standard error has gone; the canister must not notice
        return
