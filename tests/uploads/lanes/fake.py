"""A backend in memory that keeps the guarantees uploads rely on, and fails where a test wants it to."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

from ic_capsule.backend import (
    BlobMeta,
    BlobRef,
    ChunkRange,
    Generation,
    Memory,
    MemoryAssetBlobInternal,
    MemoryAssetInline,
    Profile,
    StorageBackend,
    UploadConfig,
    UploadFinishResult,
    UploadStatus,
    reference_did,
)
from ic_harness import candid
from ic_harness.errors import BackendError, RejectError, TransportError
from ic_harness.principal import Principal

NEWER = {"uploads_status", "memories_create_with_internal_blobs_and_inline_assets"}
"""Methods that generation H does not have."""


@dataclass(frozen=True)
class Fault:
    """The call number `number` (from 1) of `method` fails: refused, or done and its reply lost."""

    method: str
    number: int = 1
    error: Exception = field(default_factory=lambda: BackendError("Internal", "planned"))
    after: bool = False


def lost(method, number=1):
    """A fault: the call is done, its reply is lost."""
    return Fault(method, number, TransportError("connection lost"), after=True)


@dataclass
class Session:
    key: tuple
    expected: int
    chunks: dict = field(default_factory=dict)
    blob: str | None = None


class FakeBackend:
    """`AsyncBackend` as uploads see it. `old` leaves out what generation H does not have."""

    canister_id = Principal(bytes(9) + b"\x01")

    def __init__(self, *, faults=(), old=False, chunk_size=50_000):
        self.faults = {(fault.method, fault.number): fault for fault in faults}
        self.old = old
        self.chunk_size = chunk_size
        self.calls: Counter[str] = Counter()
        self.log = []
        self.sessions = {}
        self.blobs = {}
        self.memories = {}
        self.idems = {}
        self.in_flight = self.most_in_flight = 0

    def __getattr__(self, name):
        method = getattr(type(self), f"do_{name}", None)
        if method is None:
            raise AttributeError(name)

        async def call(*args, **named):
            self.calls[name] += 1
            self.log.append(name)
            fault = self.faults.get((name, self.calls[name])) or self.faults.get((name, 0))
            if self.old and name in NEWER:
                raise RejectError(3, f"canister has no method {name}", "IC0536")
            if fault and not fault.after:
                raise fault.error
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            await self.pause(name)
            self.in_flight -= 1
            result = method(self, *args, **named)
            if fault:
                raise fault.error
            return result

        return call

    async def pause(self, _name):
        """Let others run, as a network does."""
        import asyncio

        await asyncio.sleep(0)

    @property
    def leftovers(self):
        """Everything that an upload has left: open sessions, blobs, memories."""
        open_sessions = [number for number, session in self.sessions.items() if session.blob is None]
        return [*open_sessions, *self.blobs, *self.memories]

    def do_detect_generation(self):
        newest = frozenset(candid.parse(reference_did()).methods)
        methods = newest - NEWER if self.old else newest
        return Profile(generation=Generation.H, methods=methods, source="probe")

    async def begin_upload(self, capsule, expected, idem, _metadata):
        return await self.uploads_begin(capsule, expected, idem)

    def do_upload_config(self):
        return UploadConfig(inline_max=32768, chunk_size=self.chunk_size, inline_budget_per_capsule=2**20)

    def do_capsules_create(self, _subject):
        return SimpleNamespace(id="capsule_1")

    def do_uploads_begin(self, capsule, expected, idem):
        if capsule != "capsule_1":
            raise BackendError("NotFound")
        for number, session in self.sessions.items():
            if session.key == (capsule, idem):
                return number
        number = len(self.sessions) + 1
        self.sessions[number] = Session((capsule, idem), expected)
        return number

    def do_uploads_status(self, number):
        session = self.sessions[number]
        missing = [index for index in range(session.expected) if index not in session.chunks]
        return UploadStatus(
            session_id=number,
            capsule_id="capsule_1",
            expected_chunks=session.expected,
            received_chunks=len(session.chunks),
            received_bytes=sum(map(len, session.chunks.values())),
            received=[],
            missing=[ChunkRange(start=index, end=index + 1) for index in missing],
            created_at=0,
            expires_at=0,
            blob_id=session.blob,
        )

    def do_uploads_put_chunk(self, number, index, data):
        if number not in self.sessions:
            raise BackendError("NotFound")
        assert 0 < len(data) <= self.chunk_size
        self.sessions[number].chunks[index] = bytes(data)

    def do_uploads_finish(self, number, sha256, size):
        if number not in self.sessions:
            raise BackendError("NotFound")
        session = self.sessions[number]
        data = b"".join(session.chunks[index] for index in range(session.expected))
        if (hashlib.sha256(data).digest(), len(data)) != (sha256, size):
            raise BackendError("InvalidArgument", "checksum_mismatch")
        if session.blob is None:
            session.blob = f"blob_{number}"
            self.blobs[session.blob] = [session.chunks[index] for index in range(session.expected)]
        return UploadFinishResult(
            memory_id="",
            blob_id=session.blob,
            size=size,
            checksum_sha256=sha256,
            storage_backend=StorageBackend.Icp,
            storage_location=f"icp://blob/{session.blob}",
            uploaded_at=number,
        )

    def do_uploads_abort(self, number):
        if number in self.sessions and self.sessions[number].blob is None:
            del self.sessions[number]

    def do_blob_get_meta(self, locator):
        chunks = self._blob(locator)
        return BlobMeta(size=sum(map(len, chunks)), chunk_count=len(chunks))

    def do_blob_read_chunk(self, locator, index):
        return self._blob(locator)[index]

    def do_blob_delete(self, locator):
        self._blob(locator)
        del self.blobs[locator]
        self.sessions = {n: session for n, session in self.sessions.items() if session.blob != locator}
        return "deleted"

    def _blob(self, locator):
        if locator not in self.blobs:
            raise BackendError("NotFound")
        return self.blobs[locator]

    def do_memories_create_with_internal_blobs(self, capsule, metadata, blobs, idem):
        return self._create(capsule, metadata, blobs, [], idem)

    def do_memories_create_with_internal_blobs_and_inline_assets(
        self, capsule, metadata, blobs, inline, idem
    ):
        return self._create(capsule, metadata, blobs, inline, idem)

    def _create(self, capsule, metadata, blobs, inline, idem):
        content = (metadata, tuple(blobs), tuple(inline))
        if idem in self.idems:
            known, memory_id = self.idems[idem]
            if known != content:
                raise BackendError("Conflict", "idem")
            return memory_id
        memory_id = f"memory-{len(self.idems) + 1}"
        self.idems[idem] = (content, memory_id)
        self.memories[memory_id] = Memory(
            id=memory_id,
            capsule_id=capsule,
            metadata=metadata,
            access_entries=[],
            inline_assets=[_inline(number, asset) for number, asset in enumerate(inline)],
            blob_internal_assets=[_internal(number, asset) for number, asset in enumerate(blobs)],
            blob_external_assets=[],
        )
        return memory_id

    def do_memories_add_asset(self, memory_id, asset, _idem):
        self._memory(memory_id).blob_internal_assets.append(_internal(8, asset))
        return "asset-8"

    def do_memories_add_inline_asset(self, memory_id, asset, _idem):
        self._memory(memory_id).inline_assets.append(_inline(9, asset))
        return "asset-9"

    def do_memories_read(self, memory_id):
        return self._memory(memory_id)

    def do_memories_delete(self, memory_id, delete_assets):
        memory = self._memory(memory_id)
        assert delete_assets
        for asset in memory.blob_internal_assets:
            self.do_blob_delete(asset.blob_ref.locator)
        del self.memories[memory_id]
        self.idems = {idem: known for idem, known in self.idems.items() if known[1] != memory_id}

    def _memory(self, memory_id):
        if memory_id not in self.memories:
            raise BackendError("NotFound")
        return self.memories[memory_id]


def _inline(number, asset):
    return MemoryAssetInline(asset_id=f"inline-{number}", bytes=asset.bytes, metadata=asset.metadata)


def _internal(number, asset):
    reference = BlobRef(locator=asset.blob_id, len=asset.metadata.value.base.bytes)
    return MemoryAssetBlobInternal(asset_id=f"asset-{number}", blob_ref=reference, metadata=asset.metadata)
