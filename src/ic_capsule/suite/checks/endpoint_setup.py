"""A capsule with one object of every kind, so that the arguments of any method can name one."""

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
from ic_capsule.suite.checks.helpers import entry, inline_memory
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.endpoints import Endpoint
from ic_capsule.suite.sample_data import (
    asset_metadata,
    blob_asset,
    content,
    inline_asset,
    memory_metadata,
)
from ic_harness.errors import HarnessError
from ic_harness.testing.blame import Blame, blame

BITS: Final = {"view": 1, "download": 2, "share": 4, "manage": 8, "own": 16}
"""The permission bits by the role that has only this one."""
SAMPLE: Final = content(300, "scene")


class EndpointSetup:
    """A capsule about another principal, with two memories, a blob and two open uploads; `values` name them."""

    def __init__(self, context: CheckContext, owner: str = "alice", *, uploads: bool = True) -> None:
        self.context = context
        self.owner = context.caller(owner)
        self.subject = context.caller(f"subject-of-{owner}")
        subject = PersonRefPrincipal(value=self.subject.principal)
        self.capsule = str(self.owner.backend.capsules_create(subject).id)
        self.memory, self.second = (
            inline_memory(self.owner, content(40, f"{owner} {number}"), self.capsule) for number in (1, 2)
        )
        self.values: dict[str, Any] = self._fixed() | self._made()
        if uploads:
            self.values |= self._uploaded()

    def has(self, endpoint: Endpoint) -> bool:
        """Whether the canister has the method, and this object all values that its arguments name."""
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
        """Grant five callers one permission bit each on the memory. Empty where there are no access entries."""
        people = {role: self.context.caller(role) for role in BITS}
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
            "bytes": SAMPLE.data,
            "sha256": SAMPLE.sha256,
            "size": SAMPLE.size,
            "asset_metadata": asset_metadata(SAMPLE),
            "metadata": memory_metadata(),
            "inline_asset": inline_asset(SAMPLE),
            "capsule_changes": CapsuleUpdateData(bound_to_neon=True),
            "memory_input": MemoryInput(
                metadata=memory_metadata(), blobs=[], inline=[inline_asset(SAMPLE)], idem="endpoint-bulk"
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
        loose = self.owner.upload(SAMPLE)
        return {
            "loose": loose,
            "blob_asset": blob_asset(loose, SAMPLE),
            "session": self.owner.begin(1, capsule=self.capsule),
            "spare": self.owner.begin(1, capsule=self.capsule),
        }


def _flat(argument: Any) -> list[str]:
    items = argument if isinstance(argument, tuple) else (argument,)
    return [item[1:] for item in items if isinstance(item, str) and item.startswith("$")]
