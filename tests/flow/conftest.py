"""Small steps that every flow takes: begin, send chunks, finish, read back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest

from ic_capsule.assets import ASSETS
from ic_capsule.uploads import BackendCalls

CHUNK = 1000
"""Bytes of a small chunk; chunks may be smaller than the limit."""


def content(length: int, seed: int = 0) -> bytes:
    """Bytes that differ at every place and for every seed."""
    block = b"".join(hashlib.sha256(f"{seed}/{index}".encode()).digest() for index in range(-(-length // 32)))
    return block[:length]


def chunks_of(data: bytes, size: int = CHUNK) -> list[bytes]:
    """Cut `data` into chunks of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@dataclass
class Session:
    """One open upload session and what is to be sent through it."""

    backend: BackendCalls
    data: bytes
    id: int

    @classmethod
    def begin(cls, backend, capsule, data, idem="idem"):
        return cls(backend, data, backend.uploads_begin(capsule, len(chunks_of(data)), idem))

    def put(self, index):
        self.backend.uploads_put_chunk(self.id, index, chunks_of(self.data)[index])

    def put_all(self, order=None):
        for index in order or range(len(chunks_of(self.data))):
            self.put(index)
        return self

    def finish(self, digest=None, length=None):
        wanted = hashlib.sha256(self.data).digest() if digest is None else digest
        return self.backend.uploads_finish(self.id, wanted, len(self.data) if length is None else length)


def read_back(backend, locator) -> bytes:
    """Read a blob chunk by chunk."""
    meta = backend.blob_get_meta(locator)
    data = b"".join(backend.blob_read_chunk(locator, index) for index in range(meta.chunk_count))
    assert len(data) == meta.size
    return data


@pytest.fixture
def session(backend, capsule):
    """Begin a session of the test's own caller: `session(data)`."""
    return lambda data, idem="idem": Session.begin(backend, capsule, data, idem)


def stored_assets(backend, memory_id) -> dict:
    """Read a memory's assets: type to (metadata base, locator or None, bytes as stored)."""
    memory = backend.memories_read(memory_id)
    found = {}
    for asset in memory.blob_internal_assets:
        base = asset.metadata.value.base
        locator = asset.blob_ref.locator
        found[base.asset_type.value] = (base, locator, read_back(backend, locator))
    for asset in memory.inline_assets:
        base = asset.metadata.value.base
        found[base.asset_type.value] = (base, None, asset.bytes)
    return found


def check_four_assets(backend, path, uploaded) -> dict:
    """Assert that a photo is stored as four assets, each as long and with the hash that is claimed."""
    assets = stored_assets(backend, uploaded.memory_id)
    assert set(assets) == {*ASSETS}
    assert assets["Original"][2] == path.read_bytes()
    for base, _, data in assets.values():
        assert base.bytes == len(data)
        assert base.sha256 == hashlib.sha256(data).digest()
    return assets


@pytest.fixture
def four_assets():
    """Check a stored photo: `four_assets(backend, path, uploaded)`."""
    return check_four_assets
