"""A fake canister of a generation: publishes its interface or not, and returns prepared replies."""

from __future__ import annotations

from typing import Any

from ic_capsule.backend import Generation
from ic_capsule.backend.generations import interface, interface_did
from ic_harness import candid
from ic_harness.errors import HttpStatusError, RejectError

CANISTER = "rrkah-fqaaa-aaaaa-aaaaq-cai"
CHUNK_SIZE = {"a": 65_536}
BASE: dict[str, Any] = {
    "name": "sea.jpg", "description": None, "tags": [], "asset_type": {"Original": None}, "bytes": 3,
    "mime_type": "image/jpeg", "sha256": None, "width": None, "height": None, "url": None, "storage_key": None,
    "bucket": None, "asset_location": None, "processing_status": None, "processing_error": None,
    "created_at": 1, "updated_at": 2, "deleted_at": None,
}  # fmt: skip


def asset(tag="Original", **changes):
    """Metadata of an asset, as an older generation has it."""
    image = {"color_space": None, "exif_data": None, "compression_ratio": None, "dpi": None, "orientation": 1}
    return {"Image": {"base": {**BASE, "asset_type": {tag: None}, **changes}, **image}}


def memory(access, **parts):
    """A memory as generations A to C have it."""
    metadata = {
        "memory_type": {"Image": None}, "title": "Sea", "description": None, "content_type": "image/jpeg",
        "created_at": 1, "updated_at": 2, "uploaded_at": 3, "date_of_memory": None, "file_created_at": None,
        "parent_folder_id": None, "tags": [], "deleted_at": None, "people_in_memory": None, "location": None,
        "memory_notes": None, "created_by": None, "database_storage_edges": [{"Icp": None}],
    }  # fmt: skip
    assets: dict[str, list] = {"inline_assets": [], "blob_internal_assets": [], "blob_external_assets": []}
    return {"id": "mem:capsule_7:idem", "metadata": metadata, "access": access, **assets, **parts}


PRIVATE = {"Private": {"owner_secure_code": "secret"}}


class OldCanister:
    """An agent with one canister of generation `letter`; `answers` maps methods to reply values."""

    def __init__(self, letter, *, publishes="metadata", did=None, answers=()):
        self.service = interface(Generation(letter.upper()))
        self.did = did if did is not None else interface_did(Generation(letter.upper()))
        self.publishes = publishes
        config = {
            "inline_max": 32_768,
            "chunk_size": CHUNK_SIZE.get(letter, 1_800_000),
            "inline_budget_per_capsule": 32_768,
        }
        self.answers = {"upload_config": config, **dict(answers)}
        self.asked = []

    def read_metadata(self, _canister, name):
        assert name == "candid:service"
        if self.publishes == "forbidden":
            raise HttpStatusError(403, "not a controller")
        return self.did.encode() if self.publishes == "metadata" else None

    def query(self, canister, name, argument):
        if name == "__get_candid_interface_tmp_hack" and self.publishes == "query":
            return candid.encode([self.did], [candid.TEXT])
        return self._answer(canister, name, argument, "query")

    def update(self, canister, name, argument):
        return self._answer(canister, name, argument, "update")

    def _answer(self, canister, name, argument, mode):
        method = self.service.methods.get(name)
        if method is None or method.mode != mode:
            raise RejectError(3, f"canister has no {mode} method {name}", "IC0536", canister=str(canister))
        values = candid.decode(argument, method.arg_types)
        self.asked.append((name, values))
        reply = self.answers.get(name, {"Err": {"NotFound": None}})
        return candid.encode([reply], method.return_types)
