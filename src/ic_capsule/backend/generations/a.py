"""Generation A: begin takes metadata, finish returns the id of a memory; chunks of 65,536 bytes."""

from __future__ import annotations

from typing import Final

from ic_capsule.backend.locators import BlobLocator
from ic_harness.agent import Flow

from .shared import MEMORY_AT_FINISH
from .spec import Generation, GenerationSpec, Marks, OlderCalls, Traits, Value

_CHUNK: Final = 65_536


def finish(calls: OlderCalls, session: int, sha256: bytes, size: int) -> Flow[Value]:
    """Finish returns only the memory's id; the blob's locator is read from the memory."""
    reply = yield from calls.ask("uploads_finish", [session, sha256, size])
    if "Ok" not in reply:
        return reply
    found = yield from calls.ask("memories_read", [reply["Ok"]])
    if "Ok" not in found:
        return found
    locator = found["Ok"]["blob_internal_assets"][0]["blob_ref"]["locator"]
    result = {
        "memory_id": reply["Ok"],
        "blob_id": locator,
        "size": size,
        "checksum_sha256": sha256,
        "storage_backend": {"Icp": None},
        "storage_location": BlobLocator.parse(locator).storage_location,
        "uploaded_at": found["Ok"]["metadata"]["uploaded_at"],
    }
    return {"Ok": result}


SPEC: Final = GenerationSpec(
    generation=Generation.A,
    marks=Marks(begin_arguments=4, methods=frozenset({"memories_create"}), finish_returns_text=True),
    traits=Traits(
        chunk_size=_CHUNK, chunks_in_any_order=True, blob_id_from_session=False, metadata_at_begin=True
    ),
    overrides={**MEMORY_AT_FINISH, "uploads_finish": finish},
    probe_chunk_size=_CHUNK,
)
