"""What a network costs to open: which modules its first answer loads, and what networks of one seed share."""

from __future__ import annotations

import json
import subprocess
import sys

from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity, bls
from ic_harness.replica import build_node
from ic_harness.replica.execution import pages


def test_another_network_derives_no_keys(monkeypatch):
    """Keys of subnet, node and deployer are derived once for a seed, and the system is asked for views once."""
    build_node._root_key.cache_clear()
    build_node._node_identity.cache_clear()
    made: list[str] = []

    def counted(name, make):
        def count(*parts):
            made.append(name)
            return make(*parts)

        return count

    monkeypatch.setattr(bls, "public_key", counted("subnet", bls.public_key))
    monkeypatch.setattr(Ed25519Identity, "from_seed", counted("identity", Ed25519Identity.from_seed))
    monkeypatch.setattr(pages, "_probe", counted("probe", pages._probe))
    with embedded(seed=b"first") as first:
        key = first.root_key
    assert made.count("subnet") == 1
    made.clear()
    with embedded(seed=b"first") as again:
        assert again.root_key == key
    assert made == []
    with embedded(seed=b"second") as other:
        assert other.root_key != key
    assert made == ["subnet", "identity"]


FIRST_ANSWER = """
import json, sys
from ic_capsule.backend import reference_wasm
from ic_harness.candid import encode
from ic_harness.networks import embedded
with embedded() as network:
    canister = network.deploy(reference_wasm())
    network.agent().query(canister, "whoami", encode((), ()))
print(json.dumps(sorted(sys.modules)))
"""
UNUSED = [
    "asyncio",
    "bz2",
    "concurrent.futures",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.serialization",
    "email",
    "gzip",
    "httpx",
    "ic_capsule.backend._generated",
    "ic_harness.agent.async_agent",
    "ic_harness.networks.canister",
    "ic_harness.networks.projects",
    "ic_harness.replica.bitcoin.chain",
    "ic_harness.replica.gateway.gateway",
    "ic_harness.replica.management.bitcoin",
    "ic_harness.replica.management.outcalls",
    "ic_harness.replica.management.snapshots",
    "ic_harness.replica.management.threshold",
    "ic_harness.replica.server.server",
    "ic_harness.replica.store.journal",
    "ic_harness.replica.store.store",
    "ic_harness.replica.threshold.keys",
    "importlib.metadata",
    "importlib.resources",
    "pydantic",
    "random",
    "shutil",
    "socket",
    "ssl",
    "starlette",
    "subprocess",
    "tempfile",
    "uvicorn",
    "zipfile",
]


def test_a_first_answer_loads_what_it_needs():
    """A process without a state folder, a server and a typed client loads none of their modules."""
    printed = subprocess.run(
        [sys.executable, "-c", FIRST_ANSWER], check=True, capture_output=True, text=True
    ).stdout
    loaded = json.loads(printed)
    assert "ic_harness.replica.replica" in loaded
    assert [name for name in UNUSED if name in loaded] == []
