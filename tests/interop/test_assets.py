"""The asset canister of others, filled by @dfinity/assets; what it serves verifies by its certificate."""

from __future__ import annotations

import pytest

from ic_harness import candid

from .conftest import have
from .lab import OWNER, OWNER_SEED, Fixture

pytestmark = pytest.mark.interop

SIZE = 5_000_000
INIT = candid.parse("service : (opt variant { Init : record {}; Upgrade : record {} }) -> {}")


@pytest.fixture
def assets(lab):
    """An empty asset canister of the owner of the fixtures."""
    canister = lab.create()
    assert INIT.init_args is not None
    arg = candid.encode((None,), INIT.init_args)
    wasm = Fixture("rust/assets").wasm
    lab.manage("install_code", {"mode": "install", "canister_id": canister, "wasm_module": wasm, "arg": arg})
    return canister


def test_assets(assets, lab):
    """Files go up in chunks and batches, come back equal, and are served with a certificate that holds."""
    seen = have("assets").ask("assets", canister=assets, seed=OWNER_SEED.hex(), size=SIZE, **lab.address)
    assert seen["principal"] == str(OWNER)
    assert seen["keys"] == ["/hello.txt", "/index.html", "/large.bin"]
    assert seen["equal"]
    assert seen["certified"]
    for page in ("hello", "page"):
        assert seen[page]["right"] == {"version": 2, "status": 200}, page
        assert "error" in seen[page]["forged"], page
    assert seen["first"]["right"]["version"] == 1
    assert "error" in seen["first"]["forged"]
    assert "error" not in seen["absent"]["right"]
    assert seen["gateway"] == {"size": 5, "verdict": {"version": 2, "status": 200}}
    assert seen["gateway_large"] == SIZE  # by streaming callbacks
    assert seen["left"] == 2
