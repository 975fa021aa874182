"""How a replica is set up, and the limits that it keeps.

Limits quote the interface specification ("Resource limits") and the defaults of DFINITY's replica.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica.state.clock import Clock
from ic_harness.replica.state.fees import CostSchedule, Fees
from ic_harness.replica.state.latency_profile import Latency
from ic_harness.replica.state.subnet_kinds import (
    BENCHMARKING_INSTRUCTIONS,
    RULES,
    KindRules,
    SubnetKind,
    SubnetSpec,
)
from ic_harness.units import MIB, MINUTE, SECOND, TRILLION

UPDATE_INSTRUCTIONS: Final = 40_000_000_000
QUERY_INSTRUCTIONS: Final = 5_000_000_000
INSPECT_INSTRUCTIONS: Final = 200_000_000
INSTALL_INSTRUCTIONS: Final = 300_000_000_000
COMPOSITE_CALL_INSTRUCTIONS: Final = 50_000_000
"""What one call of a composite query costs of its budget."""
COMPOSITE_DEPTH: Final = 6
REPLY_BYTES: Final = 2 * MIB
QUERY_REPLY_BYTES: Final = 3 * MIB
CALL_BYTES: Final = 10 * MIB
"""Payload of a call between canisters of one subnet."""
REMOTE_CALL_BYTES: Final = 2 * MIB
"""Payload of a call between canisters of two subnets: method name and argument."""
QUEUE_CAPACITY: Final = 500
MAX_CONTROLLERS: Final = 10
MAX_SNAPSHOTS: Final = 10
SNAPSHOT_SEGMENT: Final = 30 * 64 * 1024
"""Bytes of a segment of an uploaded snapshot: as many whole Wasm pages as one call may carry."""
SNAPSHOT_SLICE: Final = 2_000_000
"""Bytes of a snapshot that one call may read."""
MAX_GLOBALS: Final = 1_000
MAX_CERTIFIED_DATA: Final = 32
MAX_HEAP: Final = 6 << 30
"""Bytes of main memory of a 64-bit canister."""
MAX_STABLE: Final = 500 << 30
MAX_VIEWERS: Final = 10
"""Principals in the `allowed_viewers` of a visibility."""
MAX_ENVIRONMENT_VARIABLES: Final = 20
VARIABLE_BYTES: Final = 128
"""Bytes of the name, and of the value, of an environment variable."""
MIN_LOG_BYTES: Final = 4096
MAX_LOG_BYTES: Final = 2 * MIB
"""Bounds of `log_memory_limit`, which may also be 0."""
MAX_CHUNKS: Final = 100
MAX_CHUNK_BYTES: Final = MIB
BEST_EFFORT_TIMEOUT: Final = 300 * SECOND
STOP_TIMEOUT: Final = 5 * MINUTE
KEEP_ANSWERS: Final = 5 * MINUTE
"""How long the status of a request is kept after it finished."""
SYNC_WAIT_S: Final = 10.0
"""How long a synchronous call waits for its verdict before it answers 202."""
DEFAULT_CYCLES: Final = 100 * TRILLION
TURN_INSTRUCTIONS: Final = 60_000_000
"""After so many instructions in a round a canister begins no further call from outside, so that those which it
has finished are answered. Rounds that are asked for by `tick` take `ROUND_INSTRUCTIONS` instead."""
ANSWERING_INSTRUCTIONS: Final = 400_000_000
"""Instructions of a canister in a round that callers wait for, `MESSAGE_OVERHEAD` included: beside a canister that
calls itself without end they wait a tenth of a second, not one."""
ROUND_INSTRUCTIONS: Final = 4_000_000_000
"""Instructions of a canister in one round, after which its messages wait for the next; the replica's limit."""
SLICE_INSTRUCTIONS: Final = 2_000_000_000
"""Instructions of a message in one round; one that needs more goes on in the next ones. The replica's limit."""
LEAST_SLICE: Final = 1_000_000
"""The smallest slice that can be set."""
LONG_EXECUTIONS: Final = 4
"""Messages that are in the middle of their slices at a time; others that need several wait. The replica's figure."""
EXECUTION_THREADS: Final = 4
"""Threads of the replica that execute canisters. A round begins no further pass when all canisters together have used
what a canister may use on each of so many threads: a round's changes are kept in memory until its end."""
OUTCALL_TIMEOUT: Final = 60 * SECOND
"""How long an HTTPS outcall may take."""
MAX_HEADERS: Final = 64
"""Headers of an HTTPS outcall's request, and of its response."""
MAX_HEADER_BYTES: Final = 8 * 1024
"""Bytes of a header's name, and of its value."""
MAX_HEADERS_BYTES: Final = 48 * 1024
MAX_RESPONSE_BYTES: Final = 2_000_000
SMALL_APPLICATION_NODES: Final = 13
"""Application subnets of more nodes take calls as large as system subnets do."""
MESSAGE_OVERHEAD: Final = 2_000_000
"""What each message counts besides its instructions, so that a round has an end for small messages too; the
replica's figure."""


@dataclass(frozen=True, kw_only=True)
class ReplicaConfig:
    """How to set up a `Replica`.

    `seed` fixes keys and random numbers (None: drawn, or found in the state folder). `state_dir` None keeps
    nothing on disk. `cache_dir` holds compiled modules, shared by all replicas of a user (None: a folder of
    the user's cache). `background` lets a thread of the replica's own run rounds for timers, heartbeats and
    calls that no caller waits for (None: exactly when the clock goes on by itself). `round_interval_s` is how
    often canisters with a heartbeat are woken when nothing else happens. `ingress_bytes` bounds the body of
    a request (a user's call has also the bound of its subnet), `latency` makes clients wait as on a real network.
    `nodes` is the size of the subnet that this
    replica simulates, by which everything is paid that `cost_schedule` does not make free; subnets of a system kind are
    free. `subnets` are the subnets of the network, of which the first is the root (None: those of the state folder,
    else one application subnet of `nodes` nodes).
    `subnet_admins` may list the canisters of the subnet.
    With `durable` every round is forced to the disk before its answers are out, so that a power cut loses none.
    `round_time_queries` lets queries see the time of the last round,
    also after the clock was set (None of the networks but PocketIC's does).
    Without `check_signatures` users' requests need no signature: anybody may name any sender. Without
    `check_outcall_urls` the source of HTTPS outcalls gets those too whose URL no node would ask for.
    `threshold_keys` are the names of threshold keys besides `dfx_test_key`, `key_1` and `test_key_1`; each costs what a
    test key costs. `keys_by_kind` are the names of the keys that subnets of each kind bring (None: the network has all
    keys, whatever its subnets are). Without `limit_method_names` modules may have any number of methods, with names of
    any length, as benchmarks do.
    `slice_instructions` is what a message executes in one round, from `LEAST_SLICE` on; after `round_instructions`,
    which are not less, a canister begins no further message in a round.
    """

    seed: bytes | None = None
    state_dir: Path | None = None
    clock: Clock | None = None
    cache_dir: Path | None = None
    background: bool | None = None
    round_interval_s: float = 1.0
    ingress_bytes: int = 4 * MIB
    sync_wait_s: float = SYNC_WAIT_S
    threads: int = 4
    nodes: int = 13
    cost_schedule: CostSchedule = CostSchedule.NORMAL
    subnet_admins: tuple[Principal, ...] = ()
    durable: bool = False
    latency: Latency | None = None
    subnets: tuple[SubnetSpec, ...] | None = None
    round_time_queries: bool = False
    check_signatures: bool = True
    check_outcall_urls: bool = True
    limit_method_names: bool = True
    threshold_keys: tuple[str, ...] = ()
    slice_instructions: int = SLICE_INSTRUCTIONS
    round_instructions: int = ROUND_INSTRUCTIONS
    keys_by_kind: Mapping[SubnetKind, tuple[str, ...]] | None = None


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """What never changes while a subnet lives: its identity, its rules, and whether it charges.

    `root_key` is the DER key of the network, `public_key` the subnet's own; they are the same on the root subnet.
    `seed` determines the subnet's random numbers, `network_seed` the threshold keys that all subnets share.
    """

    id: bytes
    root_key: bytes
    public_key: bytes
    node_id: bytes
    node_key: bytes
    seed: bytes = field(repr=False)
    network_seed: bytes = field(repr=False)
    kind: SubnetKind = SubnetKind.APPLICATION
    nodes: int = 13
    cost_schedule: CostSchedule = CostSchedule.NORMAL
    benchmarking: bool = False
    admins: frozenset[bytes] = frozenset()
    """Principals that may list the subnet's canisters."""

    slice_instructions: int = SLICE_INSTRUCTIONS
    round_instructions: int | None = None
    """See `ReplicaConfig`; None for `ROUND_INSTRUCTIONS`."""

    check_outcall_urls: bool = True
    """See `ReplicaConfig`."""

    threshold_keys: tuple[str, ...] = ()
    """Names of threshold keys besides those that every network has."""

    keys_by_kind: Mapping[SubnetKind, tuple[str, ...]] | None = None
    """Names of the threshold keys that the network has for its subnets of each kind; None when it has all."""

    ranges: tuple[tuple[bytes, bytes], ...] = ((bytes(8) + b"\x01\x01", b"\xff" * 8 + b"\x01\x01"),)
    """Closed ranges of canister ids: every id of eight bytes and 01 01 that a counter can reach."""

    @cached_property
    def fees(self) -> Fees:
        """What things cost here."""
        return Fees(self.nodes, self.cost_schedule, self.threshold_keys)

    def hosts(self, canister_id: bytes) -> bool:
        """Whether the id is in the subnet's ranges; ids of users are longer and belong to no subnet."""
        return any(low <= canister_id <= high and len(canister_id) == len(low) for low, high in self.ranges)

    @cached_property
    def rules(self) -> KindRules:
        """The rules of the subnet's kind, with higher limits on a subnet for benchmarks."""
        rules = RULES[self.kind]
        if not self.benchmarking:
            return rules
        return replace(
            rules,
            install_instructions=BENCHMARKING_INSTRUCTIONS,
            update_instructions=BENCHMARKING_INSTRUCTIONS,
            query_instructions=BENCHMARKING_INSTRUCTIONS,
        )

    @property
    def prepaid_instructions(self) -> int:
        """The instructions of an installation that are paid in advance, on a subnet for benchmarks as well."""
        return RULES[self.kind].install_instructions

    @cached_property
    def ingress_bytes(self) -> int:
        """What a user's call may have in bytes; the replica's defaults for subnets by their type and size."""
        small = RULES[self.kind].type == "application" and self.nodes <= SMALL_APPLICATION_NODES
        return 2 * MIB if small else 3 * MIB + MIB // 2

    @property
    def is_root(self) -> bool:
        """Whether the subnet signs certificates by the key of the network, without a delegation."""
        return self.public_key == self.root_key

    @property
    def principal(self) -> Principal:
        """The id as a principal."""
        return Principal(self.id)
