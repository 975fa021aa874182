"""Uploads a file that is no photo: its original alone becomes a memory of its kind (video, audio, document, note)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ic_capsule.backend import InternalBlobAssetInput
from ic_harness.errors import HarnessError, UploadError

from . import sequential
from .calls import AsyncBackendCalls, CapsuleId, MemoryId
from .memory import asset_of
from .metadata import IdempotencyKeys, PhotoInfo, memory_metadata, original_metadata
from .photo import upload_photo_async
from .results import Listener, Progress, UploadedPhoto
from .shielded import ShieldedClient
from .source import FileSource, kind_at
from .strategy import MemoryLayout, Strategy, choose_strategy
from .upload_state import BlobUpload
from .verify import compare_blob


async def upload_file_async(
    backend: AsyncBackendCalls,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store a file of any kind: a photo with four assets, everything else by its original alone, and read it back.

    Raises what `upload_photo_async` raises; a file that cannot be stored leaves nothing behind, or
    `leftovers` names it.
    """
    kind = kind_at(path)
    if kind is None or kind.name == "image":
        return await upload_photo_async(backend, path, capsule, on_progress=on_progress)
    with FileSource(path) as source:
        return await _upload(backend, source, capsule, on_progress or (lambda _: None))


async def _upload(
    backend: AsyncBackendCalls, source: FileSource, capsule: str | None, listener: Listener
) -> UploadedPhoto:
    started = time.perf_counter()
    client = ShieldedClient(backend)
    strategy = choose_strategy(await client.detect_generation())
    client.retry_allowed = strategy.repeatable
    config = await client.upload_config()
    target = CapsuleId(capsule or (await client.capsules_create(None)).id)
    state = BlobUpload(
        capsule=target,
        idem=IdempotencyKeys(source).of(f"Original {source.sha256.hex()} {config.chunk_size}"),
        content=source,
        chunk_size=config.chunk_size,
    )
    done = 0

    def sent(count: int) -> None:
        nonlocal done
        done += count
        listener(Progress(lane="original", done=done, total=source.size))

    try:
        memory_id = await store_original(client, strategy, source, state, {}, sent)
        await compare_blob(client, state.stored(), source, lambda _: None)
    except HarnessError as error:
        left = await _undo(client, strategy, state)
        raise UploadError(f"{source.path}: {error}", leftovers=left, detail=error) from error
    asset = asset_of(state.stored(), original_metadata(source, {}), state.stored())
    return UploadedPhoto(
        photo=str(source.path),
        canister_id=str(backend.canister_id),
        capsule_id=target,
        memory_id=memory_id,
        seconds=time.perf_counter() - started,
        bytes=source.size,
        verified=True,
        assets=(asset,),
    )


async def store_original(
    backend: AsyncBackendCalls,
    strategy: Strategy,
    source: FileSource,
    state: BlobUpload,
    facts: Mapping[str, Any],
    sent: Callable[[int], None],
) -> MemoryId:
    """Store the original of `source` as `state` says, and create a memory of it; returns its id.

    Raises what the calls raise; `state` then has what was created.
    """
    metadata = original_metadata(source, facts)
    if strategy.layout is MemoryLayout.PER_ASSET:
        state.metadata = metadata
        sequential.tag(state)
    await strategy.upload(backend, state, [], sent)
    if strategy.layout is MemoryLayout.PER_ASSET:
        if not state.memory_id:
            raise UploadError(f"{source.path}: the backend created no memory of {state.name}")
        return state.memory_id
    known = {"mime_type": source.kind.mime, **facts}
    about = memory_metadata(PhotoInfo(source, known), state.uploaded_at)
    blob = InternalBlobAssetInput(blob_id=state.stored(), metadata=metadata)
    key = f"{state.idem}-memory"
    return MemoryId(await backend.memories_create_with_internal_blobs(state.capsule, about, [blob], key))


async def _undo(backend: AsyncBackendCalls, strategy: Strategy, state: BlobUpload) -> tuple[str, ...]:
    try:
        await strategy.undo(backend, state)
    except HarnessError:
        return state.names
    return ()
