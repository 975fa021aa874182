"""Creates, installs and configures canisters, for synchronous code.

Methods that need nothing beyond the interface are generated (`management_methods.py`).

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
    UPLOADED_METADATA,
    InstallMode,
    chunks,
    decode_reply,
    encode_argument,
    fits_one_message,
    mode_variant,
    settings_record,
)
from ic_harness.agent.management_types import Snapshot
from ic_harness.principal import Principal

from .management_methods import ManagementMethods

EMPTY_ARGUMENT = b"DIDL\x00\x00"


class Management(ManagementMethods):
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
            stored = self.upload_chunk(canister, bytes(chunk))
            hashes.append({"hash": stored})
        return hashes

    def update_settings(self, canister_id: Any, settings: Mapping[str, Any]) -> None:
        """Change settings; what is not named, or None, stays."""
        record = settings_record(settings)
        self._on(canister_id, "update_settings", settings=record, sender_canister_version=None)

    def take_canister_snapshot(
        self, canister_id: Any, *, replace: bytes | None = None, uninstall_code: bool | None = None
    ) -> Snapshot:
        """Take a snapshot of code and state; `replace` is the id of a snapshot to delete for it.

        With `uninstall_code` the canister is empty afterwards.
        """
        snapshot: Snapshot = self._on(
            canister_id,
            "take_canister_snapshot",
            replace_snapshot=replace,
            uninstall_code=uninstall_code,
            sender_canister_version=None,
        )
        return snapshot

    def upload_canister_snapshot_metadata(
        self, canister_id: Any, metadata: Mapping[str, Any], *, replace: bytes | None = None
    ) -> bytes:
        """Begin to upload a snapshot: sizes, globals and the other fields of `read_canister_snapshot_metadata`.

        Returns the id of the snapshot, whose content is zeros until it is uploaded.
        """
        fields = {name: metadata[name] for name in UPLOADED_METADATA}
        reply = self._on(canister_id, "upload_canister_snapshot_metadata", replace_snapshot=replace, **fields)
        snapshot: bytes = reply["snapshot_id"]
        return snapshot

    def _on(self, canister_id: Any, method: str, **fields: Any) -> Any:
        canister = Principal.of(canister_id)
        return self._call(method, {"canister_id": canister, **fields}, canister)

    def _call(self, method: str, argument: Mapping[str, Any], target: Any) -> Any:
        arg = encode_argument(method, argument)
        reply = self.agent.update(MANAGEMENT, method, arg, effective_canister_id=target)
        return decode_reply(method, reply)

    def _ask(self, canister_id: Any, method: str, **fields: Any) -> Any:
        canister = Principal.of(canister_id)
        arg = encode_argument(method, {"canister_id": canister, **fields})
        reply = self.agent.query(MANAGEMENT, method, arg, effective_canister_id=canister)
        return decode_reply(method, reply)
