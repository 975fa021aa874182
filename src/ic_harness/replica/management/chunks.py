"""The chunk store, and installing modules that do not fit into one message.

Interface specification, "Method upload_chunk", "Method install_chunked_code".
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from ic_harness.replica.execution.charging import set_aside
from ic_harness.replica.management import refusals
from ic_harness.replica.management.allocations import check_growth, consume, out_of_cycles
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.code import Installation
from ic_harness.replica.state.config import MAX_CHUNK_BYTES, MAX_CHUNKS
from ic_harness.replica.state.fees import UPLOAD_CHUNK_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import Canister


def upload_chunk(call: Call) -> tuple[dict[str, bytes]]:
    """Put a chunk into the canister's store."""
    canister, chunk = call.canister, call.argument["chunk"]
    digest = check_chunk(canister.chunks, chunk)
    cost = call.view.subnet.fees.instructions(UPLOAD_CHUNK_INSTRUCTIONS)
    unpaid = out_of_cycles(call, canister, cost)
    if unpaid is not None:
        raise ManagementReject(refusals.chunk_store(f"Error charging for 'upload_chunk': {unpaid}"))
    if digest not in canister.chunks:
        set_aside(canister, check_growth(call, canister, canister.memory_used + len(chunk)))
    consume(call, canister, cost)
    call.instances.blobs.put(chunk)
    canister.chunks[digest] = len(chunk)
    call.changed(canister)
    return ({"hash": digest},)


def check_chunk(stored: Collection[bytes], chunk: bytes) -> bytes:
    """Return the hash of a chunk that a store of these hashes can take. Raises `ManagementReject`."""
    if len(chunk) > MAX_CHUNK_BYTES:
        raise ManagementReject(
            refusals.chunk_store(
                f"Wasm chunk size {len(chunk)} exceeds the maximum chunk size of {MAX_CHUNK_BYTES}"
            )
        )
    digest = hashlib.sha256(chunk).digest()
    if digest not in stored and len(stored) >= MAX_CHUNKS:
        raise ManagementReject(
            refusals.chunk_store(
                f"Wasm chunk store has already reached maximum capacity of {MAX_CHUNKS * MAX_CHUNK_BYTES} bytes or "
                f"the maximum number of entries, {MAX_CHUNKS}"
            )
        )
    return digest


def stored_chunks(call: Call) -> tuple[list[dict[str, bytes]]]:
    """The hashes of the chunks in the store."""
    return ([{"hash": digest} for digest in sorted(call.canister.chunks)],)


def clear_chunk_store(call: Call) -> tuple[()]:
    """Empty the store."""
    canister = call.canister
    canister.chunks.clear()
    call.changed(canister)
    return ()


def install_chunked_code(call: Call) -> tuple[()]:
    """Put a module together from chunks and install it."""
    argument = call.argument
    target = call.find(argument["target_canister"])
    # The chunks may be gone when a long installation ends.
    wasm = _joined(call, target) if call.done is None else call.done.wasm
    return Installation(
        call=call, canister=target, mode=argument["mode"], wasm=wasm, arg=argument["arg"]
    ).run()


def _joined(call: Call, target: Canister) -> bytes:
    """Return the module that the chunks are parts of. Raises `ManagementReject`."""
    argument = call.argument
    store = call.find(argument["store_canister"]) if argument.get("store_canister") else target
    may_use = call.caller == store.id or call.caller in store.settings.controllers
    if not may_use:
        raise ManagementReject(refusals.invalid_controller(store.id, store.settings.controllers, call.caller))
    wasm = b"".join(_chunk(call, store.chunks, item) for item in argument["chunk_hashes_list"])
    found = hashlib.sha256(wasm).digest()
    if found != argument["wasm_module_hash"]:
        raise ManagementReject(
            refusals.chunk_store(
                f"Wasm module hash {list(found)} does not match given hash {list(argument['wasm_module_hash'])}"
            )
        )
    return wasm


def _chunk(call: Call, stored: dict[bytes, int], item: dict[str, Any]) -> bytes:
    digest = item["hash"]
    if len(digest) != 32:
        raise ManagementReject(refusals.chunk_store("Chunk hash is invalid. The length is not 32"))
    if digest not in stored:
        raise ManagementReject(refusals.chunk_store(f"Chunk hash {list(digest)} was not found"))
    return call.instances.blobs.get(digest)
