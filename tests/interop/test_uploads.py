"""Blobs that other agents upload into the reference backend; `scripts/bench agents` takes their time."""

import pytest

from ic_capsule.backend import reference_wasm
from ic_harness import candid

from .conftest import have
from .lab import Deployed

pytestmark = pytest.mark.interop

BLOBS = candid.parse("service : { blob_get_meta : (text) -> (reserved) query }")


@pytest.fixture
def backend(lab):
    """The id of a fresh reference backend."""
    canister = lab.create()
    code = {"mode": "install", "canister_id": canister, "wasm_module": reference_wasm(), "arg": b"DIDL\0\0"}
    lab.manage("install_code", code)
    return Deployed(lab, canister, BLOBS)


@pytest.mark.parametrize("window", [1, 3])
def test_javascript(lab, backend, window):
    """`@dfinity/agent` uploads a blob, chunk by chunk and all chunks at once."""
    request = {"canister": backend.id, "size": 100_000, "chunk": 40_000, "window": window}
    seen = have("agent3").ask("upload", **request, **lab.address)
    assert seen["blob"].startswith("blob_")


@pytest.mark.parametrize("pre_encoded", [False, True])
def test_ic_py(lab, backend, pre_encoded):
    """ic-py uploads a blob by polling, with its own Candid and with bytes that were encoded before."""
    request = {"canister": backend.id, "size": 100_000, "chunk": 40_000, "measured": 3}
    seen = have("ic_py").ask("upload", pre_encoded=pre_encoded, **request, **lab.address)
    assert len(seen["seconds"]) == 5
    assert "blob_" in seen["finished"]
