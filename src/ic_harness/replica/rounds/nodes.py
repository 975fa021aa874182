"""The nodes of a network, one a subnet, and which of them a request is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from ic_harness.replica.management import ManagementReject, effective_canister, specified_id
from ic_harness.replica.rounds.joint_rounds import JointRounds
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.outcall_sources import OutcallSource
from ic_harness.replica.rounds.subnet_outcalls import take_source
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.registry import Registry
from ic_harness.replica.state.replicated_state import MANAGEMENT, Request


class Nodes:
    """The nodes of all subnets, in the order of the registry; the first is that of the root subnet."""

    def __init__(self, nodes: Sequence[Node], registry: Registry, rounds: JointRounds | None = None) -> None:
        self.all = tuple(nodes)
        self.registry = registry
        self.rounds = rounds
        """The joint rounds of the subnets; None for one subnet that is responsible for every id."""
        self.keep: Callable[[], None] = lambda: None
        """Keeps which subnets there are where the state is kept."""
        self.source: OutcallSource | None = None
        """What answers outcalls; None as long as that is what the nodes were made with."""
        self.root = self.all[0]
        """The node of the root subnet."""
        self._by_subnet = {node.subnet.id: node for node in nodes}
        self.host: Callable[[bytes], Node | None] = self._cached_host()
        """Returns the node that is responsible for a canister id; None when no subnet is."""

    @property
    def default(self) -> Node:
        """The node of the subnet on which canisters are created when no subnet is named."""
        return self.of(self.registry.default)

    def select(self, wanted: Sequence[Node]) -> None:
        """Make these the nodes of the network, the root first; for commands of the runner.

        `keep` must follow when the states of all nodes fit together.
        """
        if tuple(wanted) == self.all:
            return
        assert self.rounds is not None, "bug: one subnet that has every id is always alone"
        gone = [node for node in self.all if node not in wanted]
        come = [node for node in wanted if node not in self.all]
        chosen = {node.subnet.id: node for node in wanted}
        self._by_subnet |= chosen  # first: other threads look up what the registry names
        self.registry.select(node.subnet for node in wanted)
        self.all, self._by_subnet = tuple(wanted), chosen
        self.host = self._cached_host()  # the old cache may say of an id that no subnet has it
        self.rounds.select([(node.scheduler, node.publish) for node in wanted])
        for node in wanted:
            node.take_neighbours(wanted)
        for node in gone:
            node.retire()
        for node in come:
            node.watch, node.scheduler.hooks = self.root.watch, self.root.scheduler.hooks
        if self.source is not None:
            take_source(come, self.source)

    def take_source(self, source: OutcallSource) -> None:
        """Let `source` answer the outcalls of all subnets from now on; for commands of the runner."""
        self.source = source
        take_source(self.all, source)

    def _cached_host(self) -> Callable[[bytes], Node | None]:
        return lru_cache(maxsize=4096)(self._host)

    def _host(self, canister_id: bytes) -> Node | None:
        subnet = self.registry.host(canister_id)
        return None if subnet is None else self._by_subnet.get(subnet.id)

    def find(self, subnet_id: bytes) -> Node | None:
        """Return the node of a subnet; None when there is no such subnet."""
        return self._by_subnet.get(subnet_id)

    def target(self, request: Request, effective_id: bytes | None = None) -> Node | None:
        """Return the node that executes a call from outside without an envelope; None when no subnet does.

        `effective_id`, of a canister or subnet, decides where the management canister could act on several.
        """
        if len(self.all) == 1:
            return self.root
        wanted = request.callee if effective_id is None else effective_id
        if wanted == MANAGEMENT:
            wanted = _concerned(request) or MANAGEMENT
        if wanted == MANAGEMENT:
            return self.default
        return self.find(wanted) or self.host(wanted)

    def of(self, subnet: Subnet) -> Node:
        """Return the node of a subnet of this network."""
        return self._by_subnet[subnet.id]


def _concerned(request: Request) -> bytes | None:
    """The canister that a management call concerns or creates; None where it names none."""
    try:
        return effective_canister(request) or specified_id(request)
    except ManagementReject:
        return None  # the management canister says what is wrong with the argument
