"""Stand-ins of the deployed generations as backends of a test."""

from __future__ import annotations

import pytest

from ic_capsule.backend import open_backend

SMALL = 20_000
"""Bytes of a chunk, so that small photos have several."""


@pytest.fixture
def standin(network, identity, request, monkeypatch):
    """Deploy a stand-in: `standin("h")` is a client of the test's own caller, by default with small chunks."""
    folder = request.config.rootpath / "fixtures" / "canisters" / "generations"

    def deploy(letter, chunk_size=SMALL):
        canister = network.deploy((folder / f"{letter}.wasm.gz").read_bytes())
        backend = open_backend(network.agent(identity()), canister)
        if chunk_size is not None:
            config = backend.upload_config().model_copy(update={"chunk_size": chunk_size})
            monkeypatch.setattr(backend, "upload_config", lambda: config)
        return backend

    return deploy
