"""Creates, installs and configures canisters, for synchronous code.

`async_management.py` is made from this file by `unasync`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ic_harness.agent.agent import Agent
from ic_harness.agent.management_calls import (
    DEFAULT_EFFECTIVE_ID,
    MANAGEMENT,
    InstallMode,
    chunks,
    decode_reply,
    encode_argument,
    fits_one_message,
    mode_variant,
    settings_record,
)
from ic_harness.agent.management_types import CanisterStatus
from ic_harness.principal import Principal

EMPTY_ARGUMENT = b"DIDL\x00\x00"


class Management:
    """The management canister, called as the identity of an agent.

    Canister ids may be anything `Principal.of` takes. Every method raises `RejectError` when the network
    refuses, for example because the caller is no controller, and the other errors of `Agent.update`.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    def create_canister(
        self, settings: Mapping[str, Any] | None = None, *, effective_canister_id: Any = None
    ) -> Principal:
        """Create an empty canister where the caller may (local networks, or a rented subnet)."""
        target = DEFAULT_EFFECTIVE_ID if effective_canister_id is None else effective_canister_id
        argument = {"settings": settings_record(settings), "sender_canister_version": None}
        reply = self._call("create_canister", argument, target)
        return Principal.of(reply["canister_id"])

    def provisional_create_canister_with_cycles(
        self,
        amount: int | None = None,
        specified_id: Any = None,
        settings: Mapping[str, Any] | None = None,
        *,
        effective_canister_id: Any = None,
    ) -> Principal:
        """Create an empty canister on a local network, with `amount` cycles and the id `specified_id`."""
        wanted = None if specified_id is None else Principal.of(specified_id)
        target = effective_canister_id or wanted or DEFAULT_EFFECTIVE_ID
        argument = {
            "amount": amount,
            "specified_id": wanted,
            "settings": settings_record(settings),
            "sender_canister_version": None,
        }
        reply = self._call("provisional_create_canister_with_cycles", argument, target)
        return Principal.of(reply["canister_id"])

    def provisional_top_up_canister(self, canister_id: Any, amount: int) -> None:
        """Give cycles to a canister of a local network."""
        self._on(canister_id, "provisional_top_up_canister", amount=amount)

    def install_code(
        self,
        canister_id: Any,
        wasm: bytes,
        arg: bytes = EMPTY_ARGUMENT,
        mode: InstallMode = "install",
        *,
        skip_pre_upgrade: bool | None = None,
        wasm_memory: str | None = None,
    ) -> None:
        """Install Wasm, plain or gzip, of any size: what does not fit into one message goes in chunks.

        `wasm_memory` is `keep` or `replace`, for upgrades of canisters with orthogonal persistence.
        """
        canister = Principal.of(canister_id)
        variant = mode_variant(mode, skip_pre_upgrade=skip_pre_upgrade, wasm_memory=wasm_memory)
        common = {"mode": variant, "arg": arg, "sender_canister_version": None}
        if fits_one_message(wasm, arg):
            argument = common | {"canister_id": canister, "wasm_module": wasm}
            self._call("install_code", argument, canister)
            return
        self.clear_chunk_store(canister)
        argument = common | {
            "target_canister": canister,
            "store_canister": None,
            "chunk_hashes_list": self._upload(canister, wasm),
            "wasm_module_hash": sha256(wasm).digest(),
        }
        self._call("install_chunked_code", argument, canister)
        self.clear_chunk_store(canister)

    def _upload(self, canister: Principal, wasm: bytes) -> list[dict[str, bytes]]:
        hashes = []
        for chunk in chunks(wasm):
            reply = self._on(canister, "upload_chunk", chunk=chunk)
            hashes.append({"hash": reply["hash"]})
        return hashes

    def upload_chunk(self, canister_id: Any, chunk: bytes) -> bytes:
        """Put a piece of Wasm (at most 1 MiB) into a canister's chunk store; its SHA-256 comes back."""
        reply = self._on(canister_id, "upload_chunk", chunk=chunk)
        return bytes(reply["hash"])

    def stored_chunks(self, canister_id: Any) -> list[bytes]:
        """The hashes of the pieces in a canister's chunk store."""
        reply = self._on(canister_id, "stored_chunks")
        return [entry["hash"] for entry in reply]

    def clear_chunk_store(self, canister_id: Any) -> None:
        """Empty a canister's chunk store."""
        self._on(canister_id, "clear_chunk_store")

    def canister_status(self, canister_id: Any) -> CanisterStatus:
        """Status, settings, memory and cycles of a canister, as a dict with the names of the interface."""
        status: CanisterStatus = self._on(canister_id, "canister_status")
        return status

    def update_settings(self, canister_id: Any, settings: Mapping[str, Any]) -> None:
        """Change settings; what is not named, or None, stays."""
        record = settings_record(settings)
        self._on(canister_id, "update_settings", settings=record, sender_canister_version=None)

    def start_canister(self, canister_id: Any) -> None:
        """Let a canister take calls again."""
        self._on(canister_id, "start_canister")

    def stop_canister(self, canister_id: Any) -> None:
        """Let a canister finish what it began and take no more calls."""
        self._on(canister_id, "stop_canister")

    def delete_canister(self, canister_id: Any) -> None:
        """Delete a stopped canister for good."""
        self._on(canister_id, "delete_canister")

    def uninstall_code(self, canister_id: Any) -> None:
        """Remove code and state; controllers and cycles stay."""
        self._on(canister_id, "uninstall_code", sender_canister_version=None)

    def take_canister_snapshot(self, canister_id: Any, *, replace: bytes | None = None) -> dict[str, Any]:
        """Take a snapshot of code and state; `replace` is the id of a snapshot to delete for it."""
        snapshot: dict[str, Any] = self._on(
            canister_id,
            "take_canister_snapshot",
            replace_snapshot=replace,
            uninstall_code=None,
            sender_canister_version=None,
        )
        return snapshot

    def load_canister_snapshot(self, canister_id: Any, snapshot_id: bytes) -> None:
        """Put a canister back to a snapshot."""
        self._on(canister_id, "load_canister_snapshot", snapshot_id=snapshot_id, sender_canister_version=None)

    def list_canister_snapshots(self, canister_id: Any) -> list[dict[str, Any]]:
        """The snapshots of a canister."""
        snapshots: list[dict[str, Any]] = self._on(canister_id, "list_canister_snapshots")
        return snapshots

    def delete_canister_snapshot(self, canister_id: Any, snapshot_id: bytes) -> None:
        """Delete a snapshot."""
        self._on(canister_id, "delete_canister_snapshot", snapshot_id=snapshot_id)

    def fetch_canister_logs(self, canister_id: Any) -> list[dict[str, Any]]:
        """What a canister printed: records with `idx`, `timestamp_nanos` and `content` (bytes)."""
        canister = Principal.of(canister_id)
        method = "fetch_canister_logs"
        argument = encode_argument(method, {"canister_id": canister})
        # The specification has this one as a query only.
        reply = self.agent.query(MANAGEMENT, method, argument, effective_canister_id=canister)
        records: list[dict[str, Any]] = decode_reply(method, reply)["canister_log_records"]
        return records

    def _on(self, canister_id: Any, method: str, **fields: Any) -> Any:
        canister = Principal.of(canister_id)
        return self._call(method, {"canister_id": canister, **fields}, canister)

    def _call(self, method: str, argument: Mapping[str, Any], target: Any) -> Any:
        arg = encode_argument(method, argument)
        reply = self.agent.update(MANAGEMENT, method, arg, effective_canister_id=target)
        return decode_reply(method, reply)
