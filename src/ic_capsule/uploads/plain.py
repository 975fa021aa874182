"""A file that is no photo: its original alone becomes a memory of its kind (video, audio, document, note)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ic_capsule.backend import AsyncBackend, InternalBlobAssetInput
from ic_harness.errors import HarnessError, UploadError

from . import careful, describe
from .memory import asset_of
from .photo import upload_photo_async
from .results import Listener, Progress, UploadedPhoto
from .session import Trace
from .settled import Settled
from .source import FileSource, kind_at
from .strategy import Shape, Strategy, choose
from .verify import compare_blob


async def upload_file_async(
    backend: AsyncBackend,
    path: str | os.PathLike[str],
    capsule: str | None = None,
    *,
    on_progress: Listener | None = None,
) -> UploadedPhoto:
    """Store a file of any kind: a photo with four assets, everything else by its original alone, and read it back.

    Raises what `upload_photo_async` raises; of a file that cannot be stored nothing is left behind, or `leftovers`
    names it.
    """
    kind = kind_at(path)
    if kind is None or kind.name == "image":
        return await upload_photo_async(backend, path, capsule, on_progress=on_progress)
    with FileSource(path) as source:
        return await _upload(backend, source, capsule, on_progress or (lambda _: None))


async def _upload(
    backend: AsyncBackend, source: FileSource, capsule: str | None, listener: Listener
) -> UploadedPhoto:
    started = time.perf_counter()
    settled: Any = Settled(backend)
    strategy = choose(await settled.recognize())
    settled.insists = strategy.repeatable
    config = await settled.upload_config()
    target = capsule or str((await settled.capsules_create(None)).id)
    trace = Trace(
        capsule=target,
        idem=describe.Keys(source).of(f"Original {source.sha256.hex()} {config.chunk_size}"),
        material=source,
        chunk_size=config.chunk_size,
    )
    done = 0

    def sent(count: int) -> None:
        nonlocal done
        done += count
        listener(Progress(lane="original", done=done, total=source.size))

    try:
        memory_id = await store_original(settled, strategy, source, trace, {}, sent)
        await compare_blob(settled, str(trace.blob_id), source, lambda _: None)
    except HarnessError as error:
        left = await _undo(settled, strategy, trace)
        raise UploadError(f"{source.path}: {error}", leftovers=left, detail=error) from error
    asset = asset_of(str(trace.blob_id), describe.original_of(source, {}), str(trace.blob_id))
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
    backend: Any,
    strategy: Strategy,
    source: FileSource,
    trace: Trace,
    facts: Mapping[str, Any],
    sent: Callable[[int], None],
) -> str:
    """Store the original of `source` as `trace` says, and make a memory of it; returns its id.

    `backend` is an `AsyncBackend` of any generation. Raises what its methods raise; the trace says what was made.
    """
    metadata = describe.original_of(source, facts)
    if strategy.shape is Shape.ONE_EACH:
        trace.metadata = metadata
        careful.tag(trace)
    await strategy.upload(backend, trace, [], sent)
    if strategy.shape is Shape.ONE_EACH:
        if not trace.memory_id:
            raise UploadError(f"{source.path}: the backend made no memory of {trace.name}")
        return trace.memory_id
    known = {"mime_type": source.kind.mime, **facts}
    about = describe.memory(describe.About(source, known), trace.uploaded_at)
    blob = InternalBlobAssetInput(blob_id=str(trace.blob_id), metadata=metadata)
    key = f"{trace.idem}-memory"
    return str(await backend.memories_create_with_internal_blobs(trace.capsule, about, [blob], key))


async def _undo(backend: Any, strategy: Strategy, trace: Trace) -> tuple[str, ...]:
    try:
        await strategy.undo(backend, trace)
    except HarnessError:
        return trace.names
    return ()
