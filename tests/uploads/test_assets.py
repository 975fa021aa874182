"""The table of derivatives: what it must hold, and that a row is all that a new derivative needs."""

from __future__ import annotations

import io
from functools import partial
from typing import get_args

import pytest
from PIL import Image

from ic_capsule import assets
from ic_capsule.assets import (
    ASSETS,
    BLOBS,
    DERIVATIVES,
    INLINE,
    ORIGINAL,
    AssetName,
    DerivativeName,
    DerivativeSpec,
    StoredType,
    name_of,
)
from ic_capsule.backend import AssetType, Generation, Profile
from ic_capsule.backend.generations import GENERATIONS, interface
from ic_capsule.uploads import MemoryLayout, choose_strategy, derivatives, sample_photo


def test_rows_are_in_order_and_named_by_the_interface():
    """The largest comes first, since each is rendered from the one before; types are those of the interface."""
    edges = [spec.edge for spec in DERIVATIVES]
    assert edges == sorted(edges, reverse=True)
    assert {ORIGINAL, *get_args(StoredType)} <= {kind.value for kind in AssetType}
    stored = [(spec.stored_as, spec.mime_type) for spec in DERIVATIVES]
    assert len({*stored}) == len(stored), "what is stored alike cannot be told apart"
    assert [name_of(*pair) for pair in stored] == [spec.name for spec in DERIVATIVES]


def test_literals_name_the_rows():
    """The types for names say the same as the table."""
    assert get_args(DerivativeName) == tuple(spec.name for spec in DERIVATIVES)
    assert get_args(AssetName) == ASSETS
    assert {*BLOBS, *INLINE} == {*get_args(DerivativeName)}


def test_mime_types_are_those_of_the_codecs():
    """A row's MIME type is what Pillow knows its codec by."""
    Image.init()
    assert [spec.mime_type for spec in DERIVATIVES] == [Image.MIME[spec.codec] for spec in DERIVATIVES]


def test_a_row_is_rendered_by_its_codec(monkeypatch):
    """An AVIF row is rendered as AVIF, at its own edge, without another change."""
    row = DerivativeSpec(
        "Thumbnail", "Thumbnail", 100, "AVIF", "image/avif", "blob", {"quality": 60, "speed": 9}
    )
    monkeypatch.setattr(derivatives, "DERIVATIVES", (assets.DERIVATIVES[0], row))
    width, height, data = derivatives.render(io.BytesIO(sample_photo()), "photo").images["Thumbnail"]
    assert max(width, height) == 100
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("AVIF", (width, height))


LAYOUTS = {
    "A": MemoryLayout.PER_ASSET,
    "B": MemoryLayout.PER_ASSET,
    "C": MemoryLayout.BLOBS_ONLY,
    "H": MemoryLayout.INCREMENTAL,
}


@pytest.mark.parametrize("letter", LAYOUTS)
def test_a_strategy_follows_from_the_generation(letter):
    """The layout follows from traits and methods; a notice exists where blobs cannot be deleted."""
    generation = Generation(letter)
    methods = frozenset(interface(generation).methods)
    strategy = choose_strategy(Profile(generation=generation, methods=methods, source="probe"))
    assert strategy.layout is LAYOUTS[letter]
    assert not strategy.repeatable
    assert bool(strategy.irreversible) == (letter in "AB")
    assert isinstance(strategy.upload, partial)
    window = strategy.upload.keywords["window"]
    assert (window > 1) == GENERATIONS[generation].traits.chunks_in_any_order == (letter == "A")
    blobs = tuple(spec.name for spec in DERIVATIVES) if letter == "C" else BLOBS
    assert strategy.blobs == blobs
