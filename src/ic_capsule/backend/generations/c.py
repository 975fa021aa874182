"""Generation C: begin without metadata, finish creates a blob only; bulk and asset endpoints; lists have pages."""

from __future__ import annotations

from typing import Final

from .shared import list_pages, update
from .spec import BLOB_CHUNK, Generation, GenerationSpec, Marks, Traits

SPEC: Final = GenerationSpec(
    generation=Generation.C,
    marks=Marks(begin_arguments=3),
    traits=Traits(
        chunk_size=BLOB_CHUNK, chunks_in_any_order=False, blob_id_from_session=True, metadata_at_begin=False
    ),
    overrides={"memories_list": list_pages, "memories_update": update},
)
