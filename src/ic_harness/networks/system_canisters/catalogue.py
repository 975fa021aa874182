"""The Internet Computer's own canisters as a table: name, id on mainnet, kind of subnet, and argument of `init`.

Ids, settings and arguments are those that PocketIC's server installs for its `icp_features`, which follow mainnet
(`rs/pocket_ic_server/src/pocket_ic.rs` of the public replica).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.replica import SubnetKind

from . import init_arguments
from .init_arguments import Situation

PLENTY: Final = 10**18
"""Cycles of each canister at start, of which those that pay for others pay."""

ROOT: Final = Principal.from_text("r7inp-6aaaa-aaaaa-aaabq-cai")
GOVERNANCE: Final = init_arguments.GOVERNANCE
LEDGER: Final = init_arguments.LEDGER
CYCLES_LEDGER: Final = init_arguments.CYCLES_LEDGER
CYCLES_MINTING: Final = init_arguments.CYCLES_MINTING


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCanister:
    """One canister of the Internet Computer itself.

    `kind` is the subnet that has the id in its range. `init` returns the encoded argument. `stand_in` is the name of
    the module of this package that can take its place, None where there is none.
    """

    name: str
    id: Principal
    title: str
    kind: SubnetKind = SubnetKind.NNS
    init: Callable[[Situation], bytes]
    stand_in: str | None = None


def _canister(
    name: str,
    text: str,
    title: str,
    init: Callable[[Situation], bytes],
    *,
    kind: SubnetKind = SubnetKind.NNS,
    stand_in: str | None = None,
) -> SystemCanister:
    canister_id = Principal.from_text(text)
    return SystemCanister(name=name, id=canister_id, title=title, kind=kind, init=init, stand_in=stand_in)


CATALOGUE: Final[Mapping[str, SystemCanister]] = {
    canister.name: canister
    for canister in (
        _canister(
            "registry",
            "rwlgt-iiaaa-aaaaa-aaaaa-cai",
            "the NNS registry",
            init_arguments.registry,
        ),
        _canister("governance", str(GOVERNANCE), "NNS governance", init_arguments.governance),
        _canister("ledger", str(LEDGER), "the ICP ledger", init_arguments.ledger, stand_in="ledger"),
        _canister("root", str(ROOT), "NNS root", init_arguments.empty_record),
        _canister(
            "cycles-minting",
            str(CYCLES_MINTING),
            "the cycles minting canister",
            init_arguments.cycles_minting,
            stand_in="cycles_minting",
        ),
        _canister("sns-wasm", "qaa6y-5yaaa-aaaaa-aaafa-cai", "SNS-W", init_arguments.sns_wasm),
        _canister("index", "qhbym-qaaaa-aaaaa-aaafq-cai", "the ICP index", init_arguments.index),
        _canister(
            "internet-identity",
            "rdmx6-jaaaa-aaaaa-aaadq-cai",
            "Internet Identity",
            init_arguments.internet_identity,
            kind=SubnetKind.II,
        ),
        _canister(
            "cycles-ledger",
            str(CYCLES_LEDGER),
            "the cycles ledger",
            init_arguments.cycles_ledger,
            kind=SubnetKind.II,
            stand_in="cycles_ledger",
        ),
        _canister(
            "cycles-ledger-index",
            "ul4oc-4iaaa-aaaaq-qaabq-cai",
            "the index of the cycles ledger",
            init_arguments.cycles_ledger_index,
            kind=SubnetKind.II,
        ),
        _canister(
            "sns-aggregator",
            str(init_arguments.SNS_AGGREGATOR),
            "the SNS aggregator",
            init_arguments.sns_aggregator,
            kind=SubnetKind.SNS,
        ),
        _canister(
            "nns-dapp",
            str(init_arguments.NNS_DAPP),
            "the NNS dapp",
            init_arguments.nns_dapp,
        ),
        _canister(
            "migration",
            "sbzkb-zqaaa-aaaaa-aaaiq-cai",
            "the canister migration orchestrator",
            init_arguments.migration,
        ),
        _canister(
            "bitcoin",
            "g4xu7-jiaaa-aaaan-aaaaq-cai",
            "the Bitcoin canister",
            init_arguments.regtest,
            kind=SubnetKind.BITCOIN,
        ),
        _canister(
            "dogecoin",
            "gordg-fyaaa-aaaan-aaadq-cai",
            "the Dogecoin canister",
            init_arguments.regtest,
            kind=SubnetKind.BITCOIN,
        ),
    )
}
"""All canisters by name, in the order in which they are installed."""

STAND_INS: Final = tuple(name for name, canister in CATALOGUE.items() if canister.stand_in)
"""The canisters for which this package has a stand-in."""

FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "registry": ("registry",),
    "cycles_minting": ("cycles-minting",),
    "icp_token": ("ledger", "index"),
    "cycles_token": ("cycles-ledger", "cycles-ledger-index"),
    "nns_governance": ("governance", "root"),
    "sns": ("sns-wasm", "sns-aggregator"),
    "ii": ("internet-identity",),
    "nns_ui": ("nns-dapp",),
    "bitcoin": ("bitcoin",),
    "dogecoin": ("dogecoin",),
    "canister_migration": ("migration",),
}
"""The canisters of each of PocketIC's `icp_features`."""

OPTIONAL: Final = frozenset({"index", "cycles-ledger-index", "sns-aggregator", "bitcoin"})
"""Canisters of features that are left out where no file is named for them: nothing else calls them, and the replica
answers for the Bitcoin canister by itself."""
