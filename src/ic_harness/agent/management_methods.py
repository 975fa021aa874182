# Made from protocol/management.did by `python -m ic_harness.agent.management_codegen`; do not edit.
"""Methods of the management canister that take one canister, for synchronous code.

`async_management_methods.py` is made from this file by `unasync`.
"""

from __future__ import annotations

from typing import Any

from ic_harness.agent.management_types import (
    CanisterStatus,
    CyclesConsumed,
    LogRecord,
    Snapshot,
    SnapshotMetadata,
)


class ManagementMethods:
    """The methods of the management canister whose arguments are used as they are.

    Canister ids may be anything `Principal.of` takes. Every method raises `RejectError` when the network refuses, and
    the other errors of `Agent.update`.
    """

    def _on(self, canister_id: Any, method: str, **fields: Any) -> Any:
        """Call `method` on a canister. Returns what it returns."""
        raise NotImplementedError

    def _ask(self, canister_id: Any, method: str, **fields: Any) -> Any:
        """Query `method` on a canister. Returns what it returns."""
        raise NotImplementedError

    def provisional_top_up_canister(self, canister_id: Any, amount: int) -> None:
        """Add cycles to a canister of a local network."""
        self._on(canister_id, "provisional_top_up_canister", amount=amount)

    def upload_chunk(self, canister_id: Any, chunk: bytes) -> bytes:
        """Store a piece of Wasm, at most 1 MiB, in a canister's chunk store, and return its SHA-256."""
        reply = self._on(canister_id, "upload_chunk", chunk=chunk)
        result: bytes = reply["hash"]
        return result

    def stored_chunks(self, canister_id: Any) -> list[bytes]:
        """Return the hashes of the pieces in a canister's chunk store."""
        reply = self._on(canister_id, "stored_chunks")
        result: list[bytes] = [each["hash"] for each in reply]
        return result

    def clear_chunk_store(self, canister_id: Any) -> None:
        """Empty a canister's chunk store."""
        self._on(canister_id, "clear_chunk_store")

    def uninstall_code(self, canister_id: Any) -> None:
        """Remove code and state; controllers and cycles stay."""
        self._on(canister_id, "uninstall_code", sender_canister_version=None)

    def start_canister(self, canister_id: Any) -> None:
        """Let a canister take calls again."""
        self._on(canister_id, "start_canister")

    def stop_canister(self, canister_id: Any) -> None:
        """Let a canister complete its calls and take no more of them."""
        self._on(canister_id, "stop_canister")

    def delete_canister(self, canister_id: Any) -> None:
        """Delete a stopped canister for good."""
        self._on(canister_id, "delete_canister")

    def canister_status(self, canister_id: Any) -> CanisterStatus:
        """Return status, settings, memory and cycles of a canister."""
        reply: CanisterStatus = self._on(canister_id, "canister_status")
        return reply

    def fetch_canister_logs(
        self, canister_id: Any, *, filter_: dict[str, Any] | None = None
    ) -> list[LogRecord]:
        """Return what a canister printed, oldest first; `filter_` is a range of indexes or times."""
        reply = self._ask(canister_id, "fetch_canister_logs", filter=filter_)
        result: list[LogRecord] = reply["canister_log_records"]
        return result

    def load_canister_snapshot(self, canister_id: Any, snapshot_id: bytes) -> None:
        """Restore a canister from a snapshot."""
        self._on(canister_id, "load_canister_snapshot", snapshot_id=snapshot_id, sender_canister_version=None)

    def list_canister_snapshots(self, canister_id: Any) -> list[Snapshot]:
        """Return the snapshots of a canister."""
        reply: list[Snapshot] = self._on(canister_id, "list_canister_snapshots")
        return reply

    def delete_canister_snapshot(self, canister_id: Any, snapshot_id: bytes) -> None:
        """Delete a snapshot."""
        self._on(canister_id, "delete_canister_snapshot", snapshot_id=snapshot_id)

    def read_canister_snapshot_metadata(self, canister_id: Any, snapshot_id: bytes) -> SnapshotMetadata:
        """Return what a snapshot holds: sizes, globals, chunks, certified data, timer."""
        reply: SnapshotMetadata = self._on(
            canister_id, "read_canister_snapshot_metadata", snapshot_id=snapshot_id
        )
        return reply

    def read_canister_snapshot_data(
        self, canister_id: Any, snapshot_id: bytes, kind: dict[str, Any]
    ) -> bytes:
        """Return a part of a snapshot: at most 2,000,000 bytes of its module or a memory, or a whole chunk."""
        reply = self._on(canister_id, "read_canister_snapshot_data", snapshot_id=snapshot_id, kind=kind)
        result: bytes = reply["chunk"]
        return result

    def upload_canister_snapshot_data(
        self, canister_id: Any, snapshot_id: bytes, kind: dict[str, Any], chunk: bytes
    ) -> None:
        """Write a part of a snapshot that `upload_canister_snapshot_metadata` made."""
        self._on(
            canister_id, "upload_canister_snapshot_data", snapshot_id=snapshot_id, kind=kind, chunk=chunk
        )

    def canister_metrics(self, canister_id: Any) -> CyclesConsumed:
        """Return the cycles that a canister has paid, by what they were paid for."""
        reply = self._on(canister_id, "canister_metrics")
        result: CyclesConsumed = reply["cycles_consumed"]
        return result
