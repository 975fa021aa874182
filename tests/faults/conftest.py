"""An uploader whose photo goes out in thirteen chunks, and a look at what it left."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from ic_capsule.backend import Backend, QuotasUpdate, reference_wasm
from ic_capsule.suite.sample_data import content
from ic_capsule.uploads import UploadedPhoto, photo, sample_photo, upload_photo
from ic_capsule.uploads.source import PhotoSource
from ic_capsule.uploads.worker import derive
from ic_harness.errors import BackendError
from ic_harness.networks import EmbeddedNetwork, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

from .way import Way

CHUNKS = 13


@pytest.fixture(scope="session")
def picture(tmp_path_factory):
    """A real photo, padded so that each derivative fits into one of its thirteenths."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    path.write_bytes(sample_photo().ljust(1_300_000, b"."))
    return path


@pytest.fixture(scope="session")
def rendered(picture):
    """Its derivatives, made once by the real worker."""
    with PhotoSource(picture) as source:
        return asyncio.run(derive(source))


@pytest.fixture(autouse=True)
def _derived(monkeypatch, rendered):
    """Lane B takes the derivatives that are there, because no message passes while they are made."""

    async def ready(_source):
        return rendered

    monkeypatch.setattr(photo, "derive", ready)


@pytest.fixture(scope="session")
def network_in_memory():
    """One network for all tests of this process, with the reference backend."""
    with embedded() as network:
        yield network, network.deploy(reference_wasm())


@pytest.fixture
def in_memory(network_in_memory, picture):
    """A world that is put back after the test."""
    network, canister = network_in_memory
    with network.anchored():
        yield World(network, canister, picture)


@pytest.fixture
def on_disk(picture, tmp_path):
    """A world whose state is in a folder, read anew at every restart of the replica."""
    with embedded(tmp_path / "state") as network:
        yield World(network, network.deploy(reference_wasm()), picture)


class SmallChunks:
    """A backend that advertises chunks of a thirteenth of the photo; everything else is the backend's own."""

    def __init__(self, backend: Backend, chunk_size: int) -> None:
        self._backend = backend
        self._chunk_size = chunk_size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def upload_config(self) -> Any:
        return self._backend.upload_config().model_copy(update={"chunk_size": self._chunk_size})


class World:
    """A network, its backend, and callers who each upload the photo once."""

    def __init__(self, network: EmbeddedNetwork, canister: Principal, picture: Path) -> None:
        self.network = network
        self.picture = picture
        self.canister = canister
        self.controller = Backend(network.agent(network.deployer), self.canister)
        self._chunk_size = math.ceil(picture.stat().st_size / CHUNKS)

    def upgrade(self) -> None:
        self.network.install(self.canister, reference_wasm(), mode="upgrade")

    def way(self) -> Way:
        return Way(self.network, self.upgrade)

    def caller(self, way: Way, name: str) -> Backend:
        identity = Ed25519Identity.from_seed(name.encode().ljust(32)[:32])
        return Backend(way.agent(identity), self.canister)

    def upload(self, backend: Backend) -> UploadedPhoto:
        return upload_photo(SmallChunks(backend, self._chunk_size), self.picture)

    # --- what is left ---------------------------------------------------------------------------------------

    def check(self, backend: Backend, uploaded: UploadedPhoto) -> None:
        """Fail unless the photo is there, equal, once, and nothing else."""
        assert uploaded.verified
        memories = backend.memories_list(uploaded.capsule_id, None, None).items
        assert [memory.id for memory in memories] == [uploaded.memory_id]
        assert [capsule.id for capsule in backend.capsules_list()] == [uploaded.capsule_id]
        original = next(asset.locator for asset in uploaded.assets if asset.asset_type == "Original")
        assert original is not None
        assert backend.blob_get_meta(original).chunk_count == CHUNKS
        assert backend.blob_read(original) == self.picture.read_bytes()
        assert self.open_sessions() == 0
        stored = sum(asset.bytes for asset in uploaded.assets if asset.locator is not None)
        assert self.has_room(backend, uploaded.capsule_id, stored), "a blob or chunks that nothing refers to"

    def open_sessions(self) -> int:
        return int(self.controller.sessions_stats().rpartition("Pending: ")[2].partition(",")[0])

    def has_room(self, backend: Backend, capsule: str, stored: int) -> bool:
        """Whether no more than `stored` bytes count against the capsule, open uploads included.

        With a quota of ten bytes more the capsule takes ten bytes.
        """
        before = self.controller.quotas().blob_bytes_per_capsule
        self.controller.quotas_update(QuotasUpdate(blob_bytes_per_capsule=stored + 10))
        session = backend.uploads_begin(capsule, 1, "probe")
        try:
            backend.uploads_put_chunk(session, 0, content(10).data)
        except BackendError as error:
            if error.tag == "ResourceExhausted":
                return False
            raise
        finally:
            backend.uploads_abort(session)
            self.controller.quotas_update(QuotasUpdate(blob_bytes_per_capsule=before))
        return True
