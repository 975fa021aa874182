"""The certified state as a hash tree that changes only where the state changed.

Interface specification, "State tree". Subtrees of canisters and requests are kept between rounds; the rest is
put together when somebody asks for a certificate. Labels at the top: canister, canister_ranges,
request_status, subnet, time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from ic_harness.protocol import Tree, build, cbor, leb128_encode, update
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import (
    Answer,
    Canister,
    Rejected,
    ReplicatedState,
    Replied,
    RequestRecord,
)


class CustomSection(Protocol):
    """A custom section of a module that `read_state` serves."""

    @property
    def content(self) -> bytes:
        """The bytes of the section."""


class Metadata(Protocol):
    """What the state tree shows of a module: a compiled module has it."""

    @property
    def custom_sections(self) -> Mapping[str, CustomSection]:
        """The sections `icp:public` and `icp:private`, by name."""


CanisterParts = tuple[Canister, Metadata | None]
"""A canister and its module, which is None when no code is installed."""

EMPTY: Final = build({})
_UNKNOWN: Final = object()

# The sharded ranges hold at most this many ranges below one label (DFINITY's replica).
_RANGES_A_SHARD: Final = 5


class StateTree:
    """The parts of the tree that are kept between rounds; immutable nodes, replaced by every change."""

    def __init__(self, subnet: Subnet, registry: Registry) -> None:
        self._subnet = subnet
        self._canisters: Tree = EMPTY
        self._requests: Tree = EMPTY
        self._parts: dict[bytes, tuple[object, ...]] = {}
        self._answers: dict[bytes, Answer | None] = {}
        self._memory: dict[bytes, int] = {}
        self._state_bytes = 0
        # What hardly ever changes: encoded once, not for every certificate.
        self._own = _own(subnet)
        self.show_subnets(registry.subnets)

    def show_subnets(self, subnets: Sequence[Subnet]) -> None:
        """Show these subnets, the own one among them, in every tree from now on."""
        self._ranges = {other.id: shards(other) for other in subnets}
        self._others = {other.id: public_part(other) for other in subnets if other.id != self._subnet.id}

    def update_canisters(self, changed: Mapping[bytes, CanisterParts | None]) -> None:
        """Bring the subtrees of some canisters up to date; None for a deleted one."""
        nodes: dict[bytes, Tree | None] = {}
        for canister_id, state in changed.items():
            self._count_memory(canister_id, None if state is None else state[0].memory_used)
            parts = None if state is None else _parts(state[0])
            if parts == self._parts.get(canister_id):
                continue
            if state is None or parts is None:
                self._parts.pop(canister_id, None)
                nodes[canister_id] = None
            else:
                self._parts[canister_id] = parts
                nodes[canister_id] = _canister(*state)
        if nodes:
            self._canisters = update(self._canisters, nodes)

    def _count_memory(self, canister_id: bytes, used: int | None) -> None:
        self._state_bytes -= self._memory.pop(canister_id, 0)
        if used is not None:
            self._memory[canister_id] = used
            self._state_bytes += used

    def update_requests(self, changed: Mapping[bytes, RequestRecord | None]) -> None:
        """Bring the status of some requests up to date; None for a forgotten one."""
        nodes: dict[bytes, Tree | None] = {}
        for key, record in changed.items():
            if record is None:
                self._answers.pop(key, None)
                nodes[key] = None
            else:
                self._answers[key] = record.answer
                nodes[key] = _request(record.answer)
        if nodes:
            self._requests = update(self._requests, nodes)

    def replace(
        self, canisters: Mapping[bytes, CanisterParts | None], requests: Mapping[bytes, RequestRecord | None]
    ) -> None:
        """Become the tree of another state, which has these canisters and requests.

        Subtrees of what both states have are kept: after a restore that is nearly everything.
        """
        self.update_canisters(dict.fromkeys(self._parts.keys() - canisters.keys()) | dict(canisters))
        changed: dict[bytes, RequestRecord | None] = dict.fromkeys(self._answers.keys() - requests.keys())
        answers = self._answers  # which the copies of a state share
        changed |= {
            key: record
            for key, record in requests.items()
            if record is None or answers.get(key, _UNKNOWN) is not record.answer
        }
        self.update_requests(changed)

    def frozen(self, state: ReplicatedState) -> Callable[[], Tree]:
        """Return what puts the whole tree of this moment together; `state` changes later, the parts do not."""
        canisters, requests, ranges, others = self._canisters, self._requests, self._ranges, self._others
        time_ns = state.time_ns
        figures = len(state.canisters), self._state_bytes, state.consumed_cycles, state.updates
        return lambda: build(
            {
                b"canister": canisters,
                b"canister_ranges": ranges,
                b"request_status": requests,
                b"subnet": {**others, self._subnet.id: self._own | {b"metrics": metrics(*figures)}},
                b"time": leb128_encode(time_ns),
            }
        )


def shards(subnet: Subnet) -> dict[bytes, object]:
    """The canister ranges of a subnet, in the form of the subtree `canister_ranges/<subnet>`."""
    ranges = sorted(subnet.ranges)
    starts = range(0, len(ranges), _RANGES_A_SHARD)
    return {
        ranges[start][0]: cbor.encode([list(pair) for pair in ranges[start : start + _RANGES_A_SHARD]])
        for start in starts
    }


def public_part(subnet: Subnet) -> dict[bytes, object]:
    """The subtree of a subnet that every subnet certifies: its key, ranges and type."""
    return {
        b"canister_ranges": cbor.encode([list(pair) for pair in sorted(subnet.ranges)]),
        b"public_key": subnet.public_key,
        b"type": subnet.rules.type.encode(),
    }


def _own(subnet: Subnet) -> dict[bytes, object]:
    """The subtree of the subnet without its metrics."""
    return public_part(subnet) | {b"node": {subnet.node_id: {b"public_key": subnet.node_key}}}


def metrics(canisters: int, state_bytes: int, consumed_cycles: int, updates: int) -> bytes:
    """The CBOR of a subnet's metrics. `state_bytes` is the memory that its canisters use."""
    low, high = consumed_cycles & (1 << 64) - 1, consumed_cycles >> 64
    return cbor.encode({0: canisters, 1: state_bytes, 2: {0: low, 1: high} if high else {0: low}, 3: updates})


def _parts(canister: Canister) -> tuple[object, ...]:
    """What of a canister its subtree depends on."""
    return (
        canister.settings.controllers,
        canister.module_hash,
        canister.certified_data,
        canister.created_ns,
        canister.installed_ns,
    )


def _canister(canister: Canister, module: Metadata | None) -> Tree:
    content: dict[bytes, object] = {
        b"canister_creation_timestamp": leb128_encode(canister.created_ns),
        b"controllers": cbor.encode(list(canister.settings.controllers)),
    }
    if module is not None:
        content[b"certified_data"] = canister.certified_data
        content[b"last_install_timestamp"] = leb128_encode(canister.installed_ns)
        content[b"metadata"] = {
            name.encode(): section.content for name, section in module.custom_sections.items()
        }
        content[b"module_hash"] = canister.module_hash
    return build(content)


def _request(answer: Answer | None) -> Tree:
    match answer:
        case None:
            return build({b"status": b"processing"})
        case Replied(data):
            return build({b"reply": data, b"status": b"replied"})
        case Rejected() as rejected:
            return build(
                {
                    b"error_code": rejected.error_name.encode(),
                    b"reject_code": leb128_encode(rejected.code),
                    b"reject_message": rejected.message.encode(errors="replace"),
                    b"status": b"rejected",
                }
            )
