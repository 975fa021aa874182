"""An embedded network with the reference backend, shared by the tests of a process and put back after each."""

from __future__ import annotations

import pytest

from ic_capsule.backend import reference_wasm
from ic_capsule.bulk import UNPACED, Ledger, Options, Stage, add_paths, run_bulk
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity

from .support import memories


@pytest.fixture(scope="session")
def shared_network():
    """One network for all tests of this process."""
    with embedded() as network:
        yield network, network.deploy(reference_wasm())


class World:
    """A network, a backend, a caller, a ledger and a folder for photos."""

    def __init__(self, network, canister, folder):
        self.network = network
        self.canister = canister
        self.folder = folder
        self.identity = Ed25519Identity.generate()
        self.ledger = Ledger.open(folder / "bulk.sqlite", create=True)

    def run(self, *, embedder=None, **options):
        """Add everything in the folder and run to the end."""
        photos = self.folder / "photos"
        add_paths(self.ledger, [photos])
        options = {"until": Stage.PROCESS, "limits": UNPACED, **options}
        run_bulk(
            self.ledger, self.network, self.identity, self.canister, Options(**options), embedder=embedder
        )
        return self.ledger.stats()

    def memories(self):
        """What the backend holds."""
        return memories(self.network, self.identity, self.ledger)


@pytest.fixture
def world(shared_network, tmp_path):
    """A world of the test's own."""
    network, canister = shared_network
    with network.anchored():
        made = World(network, canister, tmp_path)
        yield made
        made.ledger.close()
        network.clear_faults()
