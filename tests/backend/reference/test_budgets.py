"""What calls cost: the table in src/backend/README.md is true, and state makes them no dearer than a tree must."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from ic_capsule.backend import AssetType, reference_did, reference_wasm
from ic_capsule.suite.sample_data import blob_asset, content, inline_asset, memory_metadata
from ic_harness import candid
from ic_harness.agent import Management

from .town import CHUNKS, Town

README = Path(__file__).resolve().parents[3] / "src" / "backend" / "README.md"
ROW = re.compile(r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
TABLE = {
    method: (float(small), float(large)) for method, small, large in ROW.findall(README.read_text("utf-8"))
}
METHODS = sorted(candid.parse(reference_did()).methods)
# They answer with or work off as much as there is, up to a limit that the README names.
BOUNDED = {
    "capsules_create", "capsules_delete", "capsules_read_full", "capsules_update", "memories_delete_all",
    "sessions_clear_all", "sessions_list",
}  # fmt: skip
MANY, NOISE = 300, 0.05


@pytest.fixture
def town(stage):
    """A canister with little in it."""
    return Town.built(stage)


def measured(town):
    """Millions of instructions of one call of every method, each on the same state."""
    figures = {}
    for method, call in town.calls().items():
        with town.stage.network.anchored():
            figures[method] = town.stage.instructions(call) / 1e6
    return figures


def test_the_table_is_complete():
    """The table in the README has a row for every method of the interface, and no other."""
    assert sorted(TABLE) == METHODS


@pytest.mark.slow
def test_the_table_is_true(town):
    """Each method costs what the README says, within 5 %, with little and with much state."""
    small = measured(town)
    town.grow(MANY, 40)
    large = measured(town)
    wrong = [
        f"| `{method}` | {small[method]:.2f} | {large[method]:.2f} |"
        for method in METHODS
        if (small[method], large[method]) != pytest.approx(TABLE.get(method, (0, 0)), rel=NOISE, abs=0.02)
    ]
    assert not wrong, "\n".join(["src/backend/README.md should say:", *wrong])


def test_growth_is_that_of_a_tree():
    """Three hundred memories more double no call, or add less than 10,000 instructions each, unless it works on them.

    A tree that has become deeper takes that little; to read one memory takes four times as much.
    """
    grown = [method for method, (small, large) in TABLE.items() if large > 2 * small and large - small > 3]
    assert [method for method in grown if method not in BOUNDED] == []


def test_a_chunk_stays_under_its_budget(town):
    """A chunk of 1.8 MB takes less than 130 million instructions, and the heap grows by less than 8 MB."""
    alice = town.stage.caller("alice")
    management = Management(town.stage.network.agent(town.stage.network.deployer))

    def heap():
        status = management.canister_status(town.stage.canister_id)
        assert status["memory_metrics"] is not None
        return status["memory_metrics"]["wasm_memory_size"]

    before = heap()
    for index in range(3):
        used = town.stage.instructions(lambda index=index: alice.put(town.begun, [CHUNKS[0]] * 3, [index]))
        assert used < 130_000_000
    assert heap() - before < 8 << 20


def test_a_photo_and_a_row_stay_under_their_budgets(stage):
    """A memory of four assets takes at most 5 million instructions on average, a row of a list 800,000."""
    alice = stage.caller("alice")
    sizes = {AssetType.Original: 3_000, AssetType.Display: 2_000, AssetType.Thumbnail: 1_000}
    photo = {kind: content(size, size) for kind, size in sizes.items()}
    blobs = [blob_asset(alice.upload(material), material, kind) for kind, material in photo.items()]

    def create(number):
        return alice.backend.memories_create_with_internal_blobs_and_inline_assets(
            alice.capsule,
            memory_metadata(f"Photo {number}"),
            blobs,
            [inline_asset(content(400))],
            f"{number}",
        )

    used = [stage.instructions(lambda number=number: create(number)) for number in range(60)]
    assert sum(used) / len(used) < 5_000_000
    one, fifty = (
        stage.instructions(lambda rows=rows: alice.backend.memories_list(alice.capsule, None, rows))
        for rows in (1, 50)
    )
    assert (fifty - one) / 49 < 800_000


def test_the_wasm_is_small():
    """The built Wasm takes less than 1.7 MB before it is compressed."""
    assert len(gzip.decompress(reference_wasm())) < 1_700_000
