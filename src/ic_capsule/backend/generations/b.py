"""Generation B: as A, but finish returns the blob too, and chunks are hashed as they arrive."""

from __future__ import annotations

from typing import Final

from .shared import MEMORY_AT_FINISH
from .spec import BLOB_CHUNK, Generation, GenerationSpec, Marks, ProbeQuery, Traits

SPEC: Final = GenerationSpec(
    generation=Generation.B,
    marks=Marks(begin_arguments=4, methods=frozenset({"memories_create"}), finish_returns_text=False),
    traits=Traits(
        chunk_size=BLOB_CHUNK, chunks_in_any_order=False, blob_id_from_session=True, metadata_at_begin=True
    ),
    overrides=MEMORY_AT_FINISH,
    probe_query=ProbeQuery(method="memories_read_with_assets", values=[""], types=("text",)),
)
