"""Files that are no photos: their original becomes a memory of their kind, on every generation."""

from __future__ import annotations

import os

import pytest

from ic_capsule.backend import open_backend, reference_wasm
from ic_capsule.uploads import sample_photo, upload_file
from ic_harness.errors import ImageError
from ic_harness.protocol import Ed25519Identity


@pytest.fixture
def deployed(network, request):
    """A client of a freshly deployed backend: the reference, or a generation by its letter."""

    def deploy(letter):
        folder = request.config.rootpath / "fixtures" / "canisters" / "generations"
        wasm = reference_wasm() if letter == "reference" else (folder / f"{letter}.wasm.gz").read_bytes()
        return open_backend(network.agent(Ed25519Identity.generate()), network.deploy(wasm))

    return deploy


@pytest.mark.parametrize("letter", ["reference", "a", "b", "c", "h"])
def test_a_video_is_a_memory_of_its_original(deployed, tmp_path, letter):
    """Stored, read back, and of its kind."""
    backend = deployed(letter)
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(200_000))
    stored = upload_file(backend, path)
    memory = backend.memories_read(stored.memory_id)
    assert stored.verified
    assert [asset.asset_type for asset in stored.assets] == ["Original"]
    assert len(memory.blob_internal_assets) == 1


def test_a_photo_is_uploaded_as_ever(deployed, tmp_path):
    """Four assets."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(sample_photo())
    assert len(upload_file(deployed("reference"), path).assets) == 4


def test_what_is_of_no_kind_is_refused(deployed, tmp_path):
    """A file that is neither a photo nor anything else that is stored."""
    path = tmp_path / "setup.exe"
    path.write_bytes(b"MZ program")
    with pytest.raises(ImageError, match="not an image"):
        upload_file(deployed("reference"), path)
