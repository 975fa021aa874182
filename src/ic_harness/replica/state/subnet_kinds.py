"""The kinds of subnet as a table, and the description of a network's subnets.

Node counts are those of the subnets on the Internet Computer; canister ranges are those of its routing table. A
subnet of a network with several gets one more range of 2^20 ids, counted down from the top of the id space, in which
its new canisters are created, so that ids of canisters are the same in every run.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from ic_harness.errors import InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.state.fees import CostSchedule
from ic_harness.suggestions import suggest
from ic_harness.text import brief

Range = tuple[bytes, bytes]
"""A closed range of canister ids."""

MAX_SUBNETS: Final = 64
_RANGE_IDS: Final = 1 << 20
_TOP: Final = 0xFFFF_FFFF_FFF0_0000
_SUFFIX: Final = b"\x01\x01"


class SubnetKind(enum.StrEnum):
    """What a subnet is for. The order is that of creation, which decides allocation ranges."""

    NNS = "nns"
    SNS = "sns"
    II = "ii"
    FIDUCIARY = "fiduciary"
    BITCOIN = "bitcoin"
    TEST_THRESHOLD_KEYS = "test_threshold_keys"
    SYSTEM = "system"
    APPLICATION = "application"
    CLOUD_ENGINE = "cloud_engine"
    VERIFIED_APPLICATION = "verified_application"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRules:
    """The rules of a kind of subnet.

    `type` is the text at `/subnet/<id>/type` in the state tree; `several` says whether a network may have more than
    one; `named` are its ranges of canister ids on the Internet Computer.
    """

    nodes: int = 13
    type: str = "application"
    several: bool = False
    named: tuple[Range, ...] = ()
    install_instructions: int = 300_000_000_000
    update_instructions: int = 40_000_000_000
    query_instructions: int = 5_000_000_000

    @property
    def is_free(self) -> bool:
        """Whether canisters pay nothing, whatever the cost schedule of the network is."""
        return self.type in {"system", "cloud_engine"}


def canister_range(first: int, last: int) -> Range:
    """Return the range of two canister indexes, both included."""
    return first.to_bytes(8, "big") + _SUFFIX, last.to_bytes(8, "big") + _SUFFIX


def _block(number: int) -> Range:
    """The range of 2^20 ids with this number, counted from the lowest id."""
    return canister_range(number * _RANGE_IDS, (number + 1) * _RANGE_IDS - 1)


_SYSTEM: Final = KindRules(
    type="system",
    install_instructions=1_000_000_000_000,
    update_instructions=50_000_000_000,
    query_instructions=50_000_000_000,
)
RULES: Final[Mapping[SubnetKind, KindRules]] = {
    # Index 7 is Internet Identity, which is on a subnet of its own.
    SubnetKind.NNS: replace(
        _SYSTEM, nodes=40, named=(canister_range(0, 6), canister_range(8, _RANGE_IDS - 1))
    ),
    SubnetKind.SNS: KindRules(nodes=34, named=(_block(0x20),)),
    SubnetKind.II: replace(_SYSTEM, nodes=34, named=(canister_range(7, 7), _block(0x21))),
    SubnetKind.FIDUCIARY: KindRules(nodes=34, named=(_block(0x23),)),
    SubnetKind.BITCOIN: replace(_SYSTEM, named=(_block(0x1A),)),
    SubnetKind.TEST_THRESHOLD_KEYS: KindRules(),
    SubnetKind.SYSTEM: replace(_SYSTEM, several=True),
    SubnetKind.APPLICATION: KindRules(several=True),
    SubnetKind.CLOUD_ENGINE: KindRules(type="cloud_engine", several=True),
    SubnetKind.VERIFIED_APPLICATION: KindRules(type="verified_application", several=True),
}
"""The rules of every kind."""

BENCHMARKING_INSTRUCTIONS: Final = 99_999_999_999_999
"""Instructions of a call, a query or an installation on a subnet for benchmarks; PocketIC's figure."""

_DEFAULT_KINDS: Final = (SubnetKind.APPLICATION, SubnetKind.VERIFIED_APPLICATION, SubnetKind.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetSpec:
    """The description of one subnet.

    `nodes` None is the number of its kind. `ranges` None are the ranges of its kind and an allocation range; the last
    range is the one for new canisters. `seed` None derives the subnet's keys from the seed of the network.
    `cost_schedule` None is that of the network. `benchmarking` raises the instruction limits of calls, queries and
    installations to `BENCHMARKING_INSTRUCTIONS`.
    """

    kind: SubnetKind = SubnetKind.APPLICATION
    nodes: int | None = None
    ranges: tuple[Range, ...] | None = None
    seed: bytes | None = field(default=None, repr=False)
    cost_schedule: CostSchedule | None = None
    benchmarking: bool = False

    @property
    def size(self) -> int:
        """The number of nodes."""
        return RULES[self.kind].nodes if self.nodes is None else self.nodes

    @property
    def is_plain(self) -> bool:
        """Whether, alone, it is the network that there is without any description: one application subnet."""
        return self.kind is SubnetKind.APPLICATION and self.ranges is None


def sized(specs: Iterable[SubnetSpec]) -> tuple[SubnetSpec, ...]:
    """Return the specifications with their node counts filled in, so that equal networks compare as equal."""
    return tuple(replace(spec, nodes=spec.size) for spec in specs)


def allocate(specs: Sequence[SubnetSpec]) -> tuple[SubnetSpec, ...]:
    """Return the specifications with ranges for all, no two of which overlap. Raises `InputError`."""
    out = []
    for number, spec in enumerate(specs):
        if spec.ranges is None:
            free = _block((_TOP >> 20) - 1 - number)
            out.append(replace(spec, ranges=(*RULES[spec.kind].named, free)))
        else:
            out.append(spec)
    _check_ranges([pair for spec in out for pair in spec.ranges or ()])
    return tuple(out)


def _check_ranges(ranges: Iterable[Range]) -> None:
    last = b""
    for low, high in sorted(ranges):
        if not (len(low) == len(high) == 10 and low <= high):
            raise InputError(f"no range of canister ids: {low.hex()} to {high.hex()}")
        if low <= last:
            raise InputError(f"two subnets have the canister id {low.hex()} in their ranges")
        last = high


def default_subnet(kinds: Sequence[SubnetKind]) -> int:
    """Return the index of the subnet on which canisters are created when no subnet is named."""
    for kind in _DEFAULT_KINDS:
        if kind in kinds:
            return kinds.index(kind)
    return 0


def parse_subnets(
    given: str | Mapping[str, int] | Sequence[SubnetSpec] | None, *, nodes: int | None = None
) -> tuple[SubnetSpec, ...]:
    """Return the subnets that a text such as `application=2,nns` or a mapping of kinds to numbers asks for.

    Returns one application subnet for None. Several subnets without an NNS get one, because the NNS signs the
    delegations of the others. The order is that of `SubnetKind`. A sequence of specifications is taken as it is:
    its first subnet is the root. `nodes` is the size of a single application subnet. Raises `InputError`.
    """
    if given is None:
        return (SubnetSpec(nodes=nodes),)
    if isinstance(given, Mapping | str):
        specs = _ordered(_counts(given) if isinstance(given, str) else given)
        plain = len(specs) == 1 and specs[0].is_plain
        return (replace(specs[0], nodes=nodes),) if plain else specs
    specs = tuple(given)
    if not specs or not all(isinstance(spec, SubnetSpec) for spec in specs):
        raise InputError("a network has at least one subnet: give SubnetSpec objects, a mapping or a text")
    return _checked(specs)


def _counts(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if name in counts:
            raise InputError(f"subnets: {name!r} is given twice in {brief(text)}")
        if equals and not (number.isascii() and number.isdigit() and len(number) < 4):
            raise InputError(f"subnets: the number of {name!r} is a whole number, not {brief(number)}")
        counts[name] = int(number) if equals else 1
    return counts


def _ordered(counts: Mapping[str, int]) -> tuple[SubnetSpec, ...]:
    wanted: dict[SubnetKind, int] = {}
    for name, number in counts.items():
        kind = subnet_kind(name)
        most = MAX_SUBNETS if RULES[kind].several else 1
        if type(number) is not int or not 0 <= number <= most:
            raise InputError(f"subnets: a network has 0 to {most} {kind.value} subnets, not {brief(number)}")
        wanted[kind] = number
    specs = [SubnetSpec(kind=kind) for kind in SubnetKind for _ in range(wanted.get(kind, 0))]
    if not specs:
        raise InputError("subnets: a network has at least one subnet, such as application=1")
    if len(specs) > 1 and specs[0].kind is not SubnetKind.NNS:
        specs.insert(0, SubnetSpec(kind=SubnetKind.NNS))
    return _checked(tuple(specs))


def subnet_kind(name: str) -> SubnetKind:
    """Return the kind with this name, also in capitals and with hyphens. Raises `InputError`."""
    key = str(name).strip().lower().replace("-", "_")
    try:
        return SubnetKind(key)
    except ValueError:
        raise InputError(
            f"subnets: no kind {brief(name)}; {suggest(key, [kind.value for kind in SubnetKind])}"
        ) from None


def _checked(specs: tuple[SubnetSpec, ...]) -> tuple[SubnetSpec, ...]:
    if len(specs) > MAX_SUBNETS:
        raise InputError(f"a network has at most {MAX_SUBNETS} subnets, not {len(specs)}")
    for spec in specs:
        if not 1 <= spec.size <= 100:
            raise InputError(f"a subnet has 1 to 100 nodes, not {brief(spec.size)}")
    return specs if len(specs) == 1 and specs[0].ranges is None else allocate(specs)
