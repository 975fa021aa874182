"""Seed data for upgrade rehearsals: photos of several callers, and an unfinished upload."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, content
from ic_capsule.uploads import Asset, UploadedPhoto, sample_photo, upload_photo
from ic_harness.testing.assertions import broken, equal, require
from ic_harness.testing.gate import StageLog

_PEOPLE: Final = ("alice", "alice", "bob")
"""Who stores a photo before the upgrade."""
_CHUNKS: Final = 13
_CHUNK: Final = 64 * 1024
_SENT: Final = (0, 1, 2, 3, 4, 5)
"""The chunks that arrive before the upgrade; in order, because other orders are a guarantee of their own (UC4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededPhoto:
    """A stored photo, its caller, and the asset ids that its memory listed before the upgrade."""

    caller: str
    photo: UploadedPhoto
    asset_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfUpload:
    """An unfinished upload: its session, its content, and its chunks."""

    caller: str
    session: int
    sample: Content
    chunks: tuple[bytes, ...]

    @property
    def missing(self) -> list[int]:
        """The indexes of the chunks that were not sent yet."""
        return [index for index in range(len(self.chunks)) if index not in _SENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedData:
    """All photos and uploads that were stored."""

    photos: tuple[SeededPhoto, ...]
    half: HalfUpload

    @property
    def locators(self) -> set[str]:
        """The locators of all blobs."""
        return {asset.locator for kept in self.photos for asset in kept.photo.assets if asset.locator}

    def __str__(self) -> str:
        people = len({kept.caller for kept in self.photos})
        assets = sum(len(kept.photo.assets) for kept in self.photos)
        return (
            f"{len(self.photos)} photos of {people} people ({assets} assets), and an upload with "
            f"{len(_SENT)} of {_CHUNKS} chunks sent"
        )


def fill(context: CheckContext) -> SeedData:
    """Store photos, and begin an upload. Raises what the canister raises when it refuses."""
    photos = tuple(_keep(context.caller(name), number) for number, name in enumerate(_PEOPLE))
    return SeedData(photos=photos, half=_begin(context.caller(_PEOPLE[0])))


def _keep(caller: Caller, number: int) -> SeededPhoto:
    photo = store_photo(caller, number)
    return SeededPhoto(caller=caller.name, photo=photo, asset_ids=_asset_ids(caller, photo.memory_id))


def _asset_ids(caller: Caller, memory_id: str) -> tuple[str, ...]:
    memory = caller.backend.memories_read(memory_id)
    return tuple(sorted(asset.asset_id for asset in (*memory.blob_internal_assets, *memory.inline_assets)))


def store_photo(caller: Caller, number: int) -> UploadedPhoto:
    """Store a photo in both lanes; another picture file for every `number`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"photo-{number}.jpg"
        path.write_bytes(sample_photo() + bytes([number]) * (number + 1))
        return upload_photo(caller.backend, path, caller.capsule)


def _begin(caller: Caller) -> HalfUpload:
    sample = content(_CHUNKS * _CHUNK, "half an upload")
    chunks = sample.chunks(_CHUNK)
    session = caller.begin(len(chunks))
    caller.put(session, chunks, _SENT)
    return HalfUpload(caller=caller.name, session=session, sample=sample, chunks=tuple(chunks))


def read_everything(context: CheckContext, filled: SeedData, log: StageLog, when: str) -> None:
    """Read every memory and every asset back, and log each difference; `when` begins the sentences."""
    before = len(log.faults)
    for kept in filled.photos:
        with log.proving("CA6", f"{when}, reading {kept.caller}'s memory {kept.photo.memory_id}"):
            _compare_memory(context.caller(kept.caller), kept, when)
        for asset in kept.photo.assets:
            with log.proving("BL7", f"{when}, reading the {asset.asset_type} of {kept.photo.memory_id}"):
                _compare_asset(context.caller(kept.caller), kept.photo, asset, when)
    if len(log.faults) == before:
        count = sum(len(kept.photo.assets) for kept in filled.photos)
        log.note(f"{when}: {len(filled.photos)} memories and {count} assets read back equal")


def _compare_memory(caller: Caller, kept: SeededPhoto, when: str) -> None:
    memory_id = kept.photo.memory_id
    listed = {item.id for item in caller.backend.memories_list(caller.capsule, None, None).items}
    require(
        memory_id in listed,
        f"{when}, memory {memory_id} is no longer listed for {caller.name}",
        "Users miss the photos that they stored.",
    )
    equal(_asset_ids(caller, memory_id), kept.asset_ids, f"{when}, the assets of {memory_id}")


def _compare_asset(caller: Caller, photo: UploadedPhoto, asset: Asset, when: str) -> None:
    data = read_asset(caller, asset)
    found = hashlib.sha256(data).hexdigest()
    require(
        found == asset.sha256,
        f"{when}, the {asset.asset_type} of {photo.memory_id} reads back as {len(data)} bytes with SHA-256 "
        f"{found[:12]}…, stored were {asset.bytes} with {asset.sha256[:12]}…",
        "Users' photos are damaged.",
    )


def read_asset(caller: Caller, asset: Asset) -> bytes:
    """Read one asset of a stored photo, whole. A broken guarantee when an inline one is nowhere in the capsule."""
    if asset.locator is not None:
        return caller.read(asset.locator)
    # Older generations keep each asset in a memory of its own, so that of the photo need not be the one.
    for item in caller.backend.memories_list(caller.capsule, None, None).items:
        for inline in caller.backend.memories_read(item.id).inline_assets:
            if hashlib.sha256(inline.bytes).hexdigest() == asset.sha256:
                return bytes(inline.bytes)
    raise broken(
        f"the inline {asset.asset_type} is in no memory of {caller.name}", "Users' photos are damaged."
    )


def finish_half(context: CheckContext, half: HalfUpload, log: StageLog, when: str) -> None:
    """Send the missing chunks of the unfinished upload, finish it, and read the blob back."""
    with log.proving("UC9", f"{when}, finishing the upload that was under way"):
        caller = context.caller(half.caller)
        caller.put(half.session, half.chunks, half.missing)
        locator = caller.finish(half.session, half.sample).blob_id
        equal(caller.read(locator), half.sample.data, f"{when}, the blob of the upload that was under way")
        log.note(f"{when}: the upload that was under way was finished and reads back equal")
