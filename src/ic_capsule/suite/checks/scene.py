"""One of everything in a capsule: what the arguments of any method can name."""

from __future__ import annotations

from typing import Any, Final

from ic_capsule.backend import (
    CapsuleUpdateData,
    HttpRequest,
    MemoryInput,
    MemoryUpdateData,
    PersonRefPrincipal,
    QuotasUpdate,
    ResourceType,
)
from ic_capsule.suite.checks.made import entry, inline_memory
from ic_capsule.suite.endpoints import Endpoint
from ic_capsule.suite.material import (
    asset_metadata,
    blob_asset,
    content,
    inline_asset,
    memory_metadata,
)
from ic_capsule.suite.stage import Caller, Stage
from ic_harness.errors import HarnessError
from ic_harness.testing.blame import Blame, blame

BITS: Final = {"view": 1, "download": 2, "share": 4, "manage": 8, "own": 16}
"""The permission bits by the role that has only this one."""
MATERIAL: Final = content(300, "scene")


class Scene:
    """A capsule about somebody, with two memories, a blob and two open uploads; `values` are what arguments name."""

    def __init__(self, stage: Stage, owner: str = "alice", *, uploads: bool = True) -> None:
        self.stage = stage
        self.owner = stage.caller(owner)
        self.subject = stage.caller(f"subject-of-{owner}")
        subject = PersonRefPrincipal(value=self.subject.principal)
        self.capsule = str(self.owner.backend.capsules_create(subject).id)
        self.memory, self.second = (
            inline_memory(self.owner, content(40, f"{owner} {number}"), self.capsule) for number in (1, 2)
        )
        self.values: dict[str, Any] = self._fixed() | self._made()
        if uploads:
            self.values |= self._uploaded()

    def has(self, endpoint: Endpoint) -> bool:
        """Whether the canister has the method, and the scene what its arguments name."""
        names = [it for argument in endpoint.arguments for it in _flat(argument)]
        return self.owner.can(endpoint.name) and all(name in self.values for name in names)

    def call(self, caller: Caller, endpoint: Endpoint) -> Any:
        """Call a method with the arguments of the table."""
        return getattr(caller.backend, endpoint.name)(*endpoint.called_with(self.values))

    def shown(self, endpoint: Endpoint, result: Any) -> bool:
        """Whether a list shows the capsule, or the memory."""
        if endpoint.name == "memories_ping":
            return any(row.memory_id == self.memory and row.metadata_present for row in result)
        if endpoint.name == "mint_http_tokens_bulk":
            return any(memory == self.memory for memory, _ in result)
        return any(row.id == self.capsule for row in result)

    def grant(self) -> dict[str, Caller]:
        """Let five people have one permission bit each on the memory; none where there are no access entries."""
        people = {role: self.stage.caller(role) for role in BITS}
        entries = [entry(person, perm_mask=BITS[role]) for role, person in people.items()]
        backend = self.owner.backend
        try:
            before = backend.memories_read(self.memory).access_entries
            backend.memories_update(self.memory, MemoryUpdateData(access_entries=[*before, *entries]))
        except HarnessError as error:
            if blame(error) is Blame.INTERFACE:
                return {}
            raise
        return people

    def _fixed(self) -> dict[str, Any]:
        return {
            "none": None,
            "bytes": MATERIAL.data,
            "sha256": MATERIAL.sha256,
            "size": MATERIAL.size,
            "asset_metadata": asset_metadata(MATERIAL),
            "metadata": memory_metadata(),
            "inline_asset": inline_asset(MATERIAL),
            "capsule_changes": CapsuleUpdateData(bound_to_neon=True),
            "memory_input": MemoryInput(
                metadata=memory_metadata(), blobs=[], inline=[inline_asset(MATERIAL)], idem="endpoint-bulk"
            ),
            "memory_changes": MemoryUpdateData(name="another name"),
            "resource": ResourceType.Capsule,
            "quotas": QuotasUpdate(),
            "request": HttpRequest(method="GET", url="/health", headers=[], body=b""),
        }

    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = {"capsule": self.capsule, "memory": self.memory, "second": self.second}
        (asset, *_) = self.owner.backend.memories_read(self.memory).inline_assets
        if asset_id := getattr(asset, "asset_id", None):
            made["asset"] = asset_id
        return made

    def _uploaded(self) -> dict[str, Any]:
        loose = self.owner.upload(MATERIAL)
        return {
            "loose": loose,
            "blob_asset": blob_asset(loose, MATERIAL),
            "session": self.owner.begin(1, capsule=self.capsule),
            "spare": self.owner.begin(1, capsule=self.capsule),
        }


def _flat(argument: Any) -> list[str]:
    items = argument if isinstance(argument, tuple) else (argument,)
    return [item[1:] for item in items if isinstance(item, str) and item.startswith("$")]
