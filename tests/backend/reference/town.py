"""A canister with things in it, and one good call of every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ic_capsule.backend import (
    AssetType,
    BlobHosting,
    CapsuleUpdateData,
    HttpRequest,
    MemoryInput,
    MemoryUpdateData,
    QuotasUpdate,
    ResourceType,
    StreamingToken,
)
from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.sample_data import (
    asset_metadata,
    blob_asset,
    content,
    inline_asset,
    memory_metadata,
)

PHOTO = content(3_600_000, "photo")
SMALL = content(500, "small")
CHUNKS = PHOTO.chunks(1_800_000)
EXTERNAL_KEY = "bucket/key"


@dataclass
class Town:
    """Alice's capsule: a memory with a blob, an inline and an external asset, a loose blob, two open uploads."""

    stage: CheckContext
    memory: str
    photo: str
    loose: str
    begun: int
    complete: int

    @classmethod
    def built(cls, stage: CheckContext) -> Town:
        """Make everything that the calls need."""
        alice = stage.caller("alice")
        photo, loose = alice.upload(PHOTO), alice.upload(SMALL)
        memory = alice.backend.memories_create(
            alice.capsule,
            None,
            None,
            BlobHosting.S3,
            EXTERNAL_KEY,
            None,
            None,
            None,
            asset_metadata(SMALL),
            "photo",
        )
        alice.backend.memories_add_asset(memory, blob_asset(photo, PHOTO), "original")
        alice.backend.memories_add_inline_asset(memory, inline_asset(SMALL), "placeholder")
        begun, complete = alice.begin(3, "begun"), alice.begin(2, "complete")
        alice.put(complete, CHUNKS)
        return cls(stage, memory, photo, loose, begun, complete)

    def grow(self, memories: int, uploads: int) -> None:
        """Put so many memories with inline bytes and blobs, and open uploads, beside what is there."""
        alice = self.stage.caller("alice")
        for number in range(memories):
            material = content(100, f"memory {number}")
            alice.backend.memories_create(
                alice.capsule,
                material.data,
                None,
                None,
                None,
                None,
                None,
                None,
                asset_metadata(material),
                alice.idem(),
            )
        for number in range(uploads):
            alice.upload(content(100, f"blob {number}"))
            alice.begin(2)

    def calls(self) -> dict[str, Callable[[], Any]]:
        """One call of every method that succeeds, by the method's name; each finds the canister as it was built."""
        alice, controller = self.stage.caller("alice"), self.stage.controller().backend
        own, capsule, memory = alice.backend, alice.capsule, self.memory
        blob, inline = blob_asset(self.loose, SMALL, AssetType.Display), inline_asset(SMALL)
        internal, inside, _ = (self._asset_id(kind) for kind in ("blob_internal", "inline", "blob_external"))
        token = own.mint_http_token(memory, ["original"], None, 600)
        return {
            "asset_get_by_id": lambda: own.asset_get_by_id(memory, inside),
            "asset_remove": lambda: own.asset_remove(memory, "inline_0"),
            "asset_remove_by_id": lambda: own.asset_remove_by_id(memory, internal),
            "asset_remove_external": lambda: own.asset_remove_external(memory, EXTERNAL_KEY),
            "asset_remove_inline": lambda: own.asset_remove_inline(memory, 0),
            "asset_remove_internal": lambda: own.asset_remove_internal(memory, self.photo),
            "blob_delete": lambda: own.blob_delete(self.loose),
            "blob_get_meta": lambda: own.blob_get_meta(self.photo),
            "blob_read": lambda: own.blob_read(self.loose),
            "blob_read_chunk": lambda: own.blob_read_chunk(self.photo, 1),
            "blobs_find": lambda: own.blobs_find(capsule, [PHOTO.sha256, SMALL.sha256, bytes(32)]),
            "capsules_bind_neon": lambda: own.capsules_bind_neon(ResourceType.Memory, memory, True),
            "capsules_create": lambda: own.capsules_create(None),
            "capsules_delete": lambda: own.capsules_delete(capsule),
            "capsules_list": own.capsules_list,
            "capsules_read_basic": lambda: own.capsules_read_basic(capsule),
            "capsules_read_full": lambda: own.capsules_read_full(capsule),
            "capsules_update": lambda: own.capsules_update(capsule, CapsuleUpdateData(bound_to_neon=True)),
            "http_request": lambda: own.http_request(get(f"/asset/{memory}/original?token={token}")),
            "http_request_streaming_callback": lambda: own.http_request_streaming_callback(
                self._streaming_token(token, internal)
            ),
            "memories_add_asset": lambda: own.memories_add_asset(memory, blob, "new"),
            "memories_add_inline_asset": lambda: own.memories_add_inline_asset(memory, inline, "new"),
            "memories_cleanup_assets_all": lambda: own.memories_cleanup_assets_all(memory),
            "memories_cleanup_assets_bulk": lambda: own.memories_cleanup_assets_bulk([memory]),
            "memories_create": lambda: own.memories_create(
                capsule, SMALL.data, None, None, None, None, None, None, asset_metadata(SMALL), "new"
            ),
            "memories_create_bulk": lambda: own.memories_create_bulk(
                capsule, [self.input(number) for number in range(4)]
            ),
            "memories_create_with_internal_blobs": lambda: own.memories_create_with_internal_blobs(
                capsule, memory_metadata(), [blob], "new"
            ),
            "memories_create_with_internal_blobs_and_inline_assets": lambda: (
                own.memories_create_with_internal_blobs_and_inline_assets(
                    capsule, memory_metadata(), [blob], [inline] * 3, "new"
                )
            ),
            "memories_delete": lambda: own.memories_delete(memory, True),
            "memories_delete_all": lambda: own.memories_delete_all(capsule, True),
            "memories_delete_bulk": lambda: own.memories_delete_bulk(capsule, [memory], True),
            "memories_list": lambda: own.memories_list(capsule, None, 1),
            "memories_list_assets": lambda: own.memories_list_assets(memory),
            "memories_list_by_capsule": lambda: own.memories_list_by_capsule(capsule, None, 1),
            "memories_ping": lambda: own.memories_ping([memory]),
            "memories_read": lambda: own.memories_read(memory),
            "memories_read_asset": lambda: own.memories_read_asset(memory, 0),
            "memories_update": lambda: own.memories_update(memory, MemoryUpdateData(name="New")),
            "mint_http_token": lambda: own.mint_http_token(memory, ["original"], None, 60),
            "mint_http_tokens_bulk": lambda: own.mint_http_tokens_bulk([memory], ["original"], None, 60),
            "quotas": own.quotas,
            "quotas_update": lambda: controller.quotas_update(QuotasUpdate(capsules_per_principal=9)),
            "sessions_cleanup_expired": controller.sessions_cleanup_expired,
            "sessions_clear_all": controller.sessions_clear_all,
            "sessions_list": controller.sessions_list,
            "sessions_stats": controller.sessions_stats,
            "upload_config": own.upload_config,
            "uploads_abort": lambda: own.uploads_abort(self.complete),
            "uploads_begin": lambda: own.uploads_begin(capsule, 3, "new"),
            "uploads_finish": lambda: own.uploads_finish(self.complete, PHOTO.sha256, PHOTO.size),
            "uploads_put_chunk": lambda: own.uploads_put_chunk(self.begun, 0, CHUNKS[0]),
            "uploads_status": lambda: own.uploads_status(self.begun),
            "whoami": own.whoami,
        }

    def input(self, number: int) -> MemoryInput:
        """A memory of one blob and one inline asset, for a bulk call."""
        blob = blob_asset(self.loose, SMALL, AssetType.Display)
        return MemoryInput(
            metadata=memory_metadata(), blobs=[blob], inline=[inline_asset(SMALL)], idem=f"bulk {number}"
        )

    def _asset_id(self, kind: str) -> str:
        memory = self.stage.caller("alice").backend.memories_read(self.memory)
        return str(getattr(memory, f"{kind}_assets")[0].asset_id)

    def _streaming_token(self, token: str, asset: str) -> StreamingToken:
        return StreamingToken(
            token=token,
            memory_id=self.memory,
            variant_name="original",
            asset_id=asset,
            offset=1_900_000,
            end=PHOTO.size,
        )


def get(url: str, method: str = "GET") -> HttpRequest:
    """A request of the HTTP gateway without headers."""
    return HttpRequest(method=method, url=url, headers=[], body=b"")
