# Made from management.py by `python -m ic_harness.agent.unasync`; do not edit.
"""Creates, installs and configures canisters, for asynchronous code.

Methods that need nothing beyond the interface are generated (`management_methods.py`).

The twin of `management.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ic_harness.agent.async_agent import AsyncAgent
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

from .async_management_methods import AsyncManagementMethods

EMPTY_ARGUMENT = b"DIDL\x00\x00"


class AsyncManagement(AsyncManagementMethods):
    """The management canister, called as the identity of an agent.

    Canister ids may be anything `Principal.of` takes. Every method raises `RejectError` when the network
    refuses, for example because the caller is no controller, and the other errors of `AsyncAgent.update`.
    """

    def __init__(self, agent: AsyncAgent) -> None:
        self.agent = agent

    async def create_canister(
        self, settings: Mapping[str, Any] | None = None, *, effective_canister_id: Any = None
    ) -> Principal:
        """Create an empty canister where the caller may (local networks, or a rented subnet)."""
        target = DEFAULT_EFFECTIVE_ID if effective_canister_id is None else effective_canister_id
        argument = {"settings": settings_record(settings), "sender_canister_version": None}
        reply = await self._call("create_canister", argument, target)
        return Principal.of(reply["canister_id"])

    async def provisional_create_canister_with_cycles(
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
        reply = await self._call("provisional_create_canister_with_cycles", argument, target)
        return Principal.of(reply["canister_id"])

    async def install_code(
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
            await self._call("install_code", argument, canister)
            return
        await self.clear_chunk_store(canister)
        argument = common | {
            "target_canister": canister,
            "store_canister": None,
            "chunk_hashes_list": await self._upload(canister, wasm),
            "wasm_module_hash": sha256(wasm).digest(),
        }
        await self._call("install_chunked_code", argument, canister)
        await self.clear_chunk_store(canister)

    async def _upload(self, canister: Principal, wasm: bytes) -> list[dict[str, bytes]]:
        hashes = []
        for chunk in chunks(wasm):
            stored = await self.upload_chunk(canister, bytes(chunk))
            hashes.append({"hash": stored})
        return hashes

    async def update_settings(self, canister_id: Any, settings: Mapping[str, Any]) -> None:
        """Change settings; what is not named, or None, stays."""
        record = settings_record(settings)
        await self._on(canister_id, "update_settings", settings=record, sender_canister_version=None)

    async def take_canister_snapshot(
        self, canister_id: Any, *, replace: bytes | None = None, uninstall_code: bool | None = None
    ) -> Snapshot:
        """Take a snapshot of code and state; `replace` is the id of a snapshot to delete for it.

        With `uninstall_code` the canister is empty afterwards.
        """
        snapshot: Snapshot = await self._on(
            canister_id,
            "take_canister_snapshot",
            replace_snapshot=replace,
            uninstall_code=uninstall_code,
            sender_canister_version=None,
        )
        return snapshot

    async def upload_canister_snapshot_metadata(
        self, canister_id: Any, metadata: Mapping[str, Any], *, replace: bytes | None = None
    ) -> bytes:
        """Begin to upload a snapshot: sizes, globals and the other fields of `read_canister_snapshot_metadata`.

        Returns the id of the snapshot, whose content is zeros until it is uploaded.
        """
        fields = {name: metadata[name] for name in UPLOADED_METADATA}
        reply = await self._on(
            canister_id, "upload_canister_snapshot_metadata", replace_snapshot=replace, **fields
        )
        snapshot: bytes = reply["snapshot_id"]
        return snapshot

    async def _on(self, canister_id: Any, method: str, **fields: Any) -> Any:
        canister = Principal.of(canister_id)
        return await self._call(method, {"canister_id": canister, **fields}, canister)

    async def _call(self, method: str, argument: Mapping[str, Any], target: Any) -> Any:
        arg = encode_argument(method, argument)
        reply = await self.agent.update(MANAGEMENT, method, arg, effective_canister_id=target)
        return decode_reply(method, reply)

    async def _ask(self, canister_id: Any, method: str, **fields: Any) -> Any:
        canister = Principal.of(canister_id)
        arg = encode_argument(method, {"canister_id": canister, **fields})
        reply = await self.agent.query(MANAGEMENT, method, arg, effective_canister_id=canister)
        return decode_reply(method, reply)
