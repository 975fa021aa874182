"""Generation H: as C, with access entries, assets that are added later, and HTTP tokens; asset types are renamed."""

from __future__ import annotations

from typing import Final

from .spec import BLOB_CHUNK, Generation, GenerationSpec, Marks, ProbeQuery, Traits

SPEC: Final = GenerationSpec(
    generation=Generation.H,
    marks=Marks(begin_arguments=3, methods=frozenset({"memories_add_asset"})),
    traits=Traits(
        chunk_size=BLOB_CHUNK, chunks_in_any_order=False, blob_id_from_session=True, metadata_at_begin=False
    ),
    probe_query=ProbeQuery(
        method="memories_list_by_capsule", values=["", None, None], types=("text", "opt text", "opt nat32")
    ),
    takes_current_types=True,
)
