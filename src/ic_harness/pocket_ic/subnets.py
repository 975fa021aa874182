"""The subnets of an instance: what a client asks for, and those that the replica behind the instance has.

Kinds, order and ranges follow PocketIC's server: the named subnets have the canister ids that they have on mainnet and
a range for new canisters; the others have the latter alone. These ranges are allocated from the highest one down. The
first subnet is the root. A canister that is created with an id of mainnet which no subnet has adds the subnet that has
it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, ReplicaError
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.fields import items, record
from ic_harness.principal import Principal
from ic_harness.replica import (
    SUBNET_KIND_NAMES,
    SUBNET_RULES,
    CostSchedule,
    Replica,
    Subnet,
    SubnetKind,
    SubnetSpec,
    allocate,
    parse_subnets,
    topology,
)

RANGE: Final = 1 << 20
"""Ids of one range."""
_TOP: Final = 0xFFFF_FFFF_FFE0_0000
"""First id of the first range for new canisters; the next ones lie below it."""
MAINNET_IDS: Final = 1 << 32
"""Ids below this one may exist on mainnet: a subnet that has the range around one is added on demand."""
_ID_BYTES: Final = 10
_FREE_KINDS: Final = (SubnetKind.APPLICATION, SubnetKind.CLOUD_ENGINE)
"""Kinds that may have the cost schedule `Free`."""


class Subnets:
    """The subnets of an instance, which are those of its replica, in the order of their creation."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    @property
    def all(self) -> tuple[Subnet, ...]:
        """All subnets; the first is the root."""
        return self._replica.nodes.registry.subnets

    @property
    def default(self) -> Subnet:
        """The subnet on which canisters are created when a client names none."""
        return self._replica.nodes.registry.default

    def find(self, subnet_id: bytes) -> Subnet | None:
        """Return the subnet with this id."""
        return self._replica.nodes.registry.find(subnet_id)

    def of_canister(self, canister_id: bytes) -> Subnet | None:
        """Return the subnet whose ranges contain a canister id; None when no subnet has it."""
        return self._replica.nodes.registry.host(canister_id)

    def to_json(self) -> dict[str, Any]:
        """Return the topology as clients read it."""
        return topology(self._replica.nodes.registry)

    def make_mainnet_subnet(self, canister_id: bytes) -> Subnet:
        """Add the subnet that has a canister id on mainnet. Raises `ApiError` for any other id."""
        index = _mainnet_index(canister_id)
        low = index - index % RANGE
        block = (canister_id_at(low), canister_id_at(low + RANGE - 1))
        kind, held = next(
            (
                (kind, rules.named)
                for kind, rules in SUBNET_RULES.items()
                if any(first <= canister_id <= last for first, last in rules.named)
            ),
            (SubnetKind.APPLICATION, (block,)),
        )
        allocated = _TOP - RANGE * len(self.all)
        free = (canister_id_at(allocated), canister_id_at(allocated + RANGE - 1))
        if kind is SubnetKind.NNS:
            raise ApiError(
                f"The effective canister ID {Principal(canister_id)} belongs to the NNS subnet on the IC mainnet for "
                "which PocketIC provides a `SubnetKind`: please set up your PocketIC instance with a subnet of that "
                "`SubnetKind`."
            )
        try:
            return self._replica.add_subnet(SubnetSpec(kind=kind, ranges=(*held, free)))
        except (InputError, ReplicaError) as problem:
            raise ApiError(f"The subnet of {Principal(canister_id)} cannot be added: {problem}") from problem


def _mainnet_index(canister_id: bytes) -> int:
    """The number of a canister id that a subnet of mainnet may have. Raises `ApiError`."""
    index = index_of(canister_id)
    if index is None or index >= MAINNET_IDS:
        raise ApiError(
            f"The effective canister ID {Principal(canister_id)} does not belong to an existing subnet and it is not "
            "a mainnet canister ID."
        )
    return index


def parse_subnet_config(config: Any, implied: Iterable[SubnetKind] = ()) -> tuple[SubnetSpec, ...]:
    """Read a `SubnetConfigSet`; a subnet of each kind of `implied` is added where none is asked for.

    Raises `ApiError` for what cannot be had.
    """
    given = dict(record(config, "subnet_config_set"))
    for kind in implied:
        if given.get(kind.value) is None:
            given[kind.value] = {}
    wanted = tuple(_spec(kind, spec) for kind, spec in _wanted(given))
    if not wanted:
        raise ApiError("SubnetConfigSet must contain at least one subnet")
    try:
        return allocate(parse_subnets(wanted))
    except InputError as problem:
        raise ApiError(f"subnet_config_set: {problem}") from None


def index_of(canister_id: bytes) -> int | None:
    """The number of a canister id; None for anything else, such as the id of a user."""
    if len(canister_id) != _ID_BYTES or canister_id[8:] != b"\x01\x01":
        return None
    return int.from_bytes(canister_id[:8], "big")


def canister_id_at(index: int) -> bytes:
    """The canister id of a number."""
    return index.to_bytes(8, "big") + b"\x01\x01"


def _wanted(config: Mapping[str, Any]) -> Iterator[tuple[SubnetKind, Any]]:
    for kind in SubnetKind:
        given = config.get(kind.value)
        if SUBNET_RULES[kind].several:
            yield from ((kind, spec) for spec in items(given, kind.value))
        elif given is not None:
            yield kind, given


def _spec(kind: SubnetKind, value: Any) -> SubnetSpec:
    spec = record(value, f"the subnet `{kind.value}`")
    _check_state(kind, spec.get("state_config", "New"))
    if spec.get("subnet_admins"):
        raise ApiError(f"The subnet `{kind.value}` has subnet_admins, which this server does not model")
    schedule = _one_of(spec, "cost_schedule", ("Normal", "Free"))
    if schedule == "Free" and kind not in _FREE_KINDS:
        raise ApiError(f"A subnet of kind {SUBNET_KIND_NAMES[kind]} cannot have the cost schedule Free")
    return SubnetSpec(
        kind=kind,
        cost_schedule=CostSchedule(schedule.lower()),
        benchmarking=_one_of(spec, "instruction_config", ("Production", "Benchmarking")) == "Benchmarking",
    )


def _check_state(kind: SubnetKind, state: Any) -> None:
    """Raise `ApiError` for a subnet that does not begin empty, about its folder first as PocketIC's server does."""
    if state == "New":
        return
    if isinstance(state, dict) and isinstance(state.get("FromPath"), str):
        path = Path(state["FromPath"])
        try:
            empty = path.is_dir() and not any(path.iterdir())
        except OSError as problem:
            raise ApiError(f"The path {path} cannot be read: {problem.strerror}") from None
        if not path.is_dir():
            raise ApiError(f"The path {path} is not a (subnet state) directory.")
        if empty:
            raise ApiError(f"Provided an empty state directory at path {path}.")
    raise ApiError(
        f"The subnet `{kind.value}` asks for a state from a folder or blob: states of PocketIC's server cannot be "
        'read by this one. Use "New"; `state_dir` keeps the state of a whole instance'
    )


def _one_of(spec: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = spec.get(name)
    value = known[0] if value is None else value
    if value not in known:
        raise ApiError(f"`{name}` must be one of {', '.join(known)}")
    return str(value)
